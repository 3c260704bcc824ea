// SPDX-License-Identifier: BSD-2-Clause
#include "common/settings/vars.h"

#include "common/base/cleanup.h"
#include "common/settings/file.h"
#include "common/settings/schema.h"
#include "common/settings/tree.h"
#include "common/settings/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct vars {
	struct loader *loader;
	const char *file;
	json_t *values;
};

static const char *const sources[] = {"env", "literal", "prompt", NULL};
static const char *const types[] = {"string", "int", "float", "json", "yaml", "any", NULL};

static const char *check_var(const json_t *var)
{
	const char *source = settings_string(var, "source");

	if (strcmp(source, "env") == 0 && !settings_get(var, "variable"))
		return "source env needs variable, the name of an environment variable";
	if (strcmp(source, "literal") == 0 && !settings_get(var, "value"))
		return "source literal needs value";
	return NULL;
}

static const struct schema_key var_keys[] = {
	SCHEMA_KEY("source", CHOICE, .flags = SCHEMA_REQUIRED, .choices = sources,
		   .doc = "env, literal or prompt"),
	SCHEMA_KEY("type", CHOICE, .choices = types, .fallback = "string"),
	SCHEMA_KEY("variable", STRING, .fallback = NULL),
	SCHEMA_KEY("required", BOOL, .fallback = "true"),
	SCHEMA_KEY("default", ANY, .fallback = NULL),
	SCHEMA_KEY("value", ANY, .fallback = NULL),
	SCHEMA_KEY("sensitive", BOOL, .fallback = "false"),
	SCHEMA_END,
};
static const struct schema var_schema = {.keys = var_keys, .check = check_var};

/* The text as the variable's type; -EINVAL if it is not of that type. */
static int convert_text(struct vars *vars, const char *text, const char *type, json_t **ret)
{
	AUTO_JSON json_t *value = NULL;
	int r = 0;

	if (strcmp(type, "json") == 0) {
		value = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
		if (settings_depth(value) > SETTINGS_DEPTH_MAX)
			return -EINVAL;
	} else if (strcmp(type, "yaml") == 0) {
		r = settings_parse_yaml(text, strlen(text), vars->file, vars->loader->lines, NULL,
					&value);
	} else if (strcmp(type, "int") == 0 || strcmp(type, "float") == 0) {
		r = settings_yaml_scalar(text, &value);
	} else {
		value = json_string(text);
	}
	if (r < 0)
		return r == -ENOMEM ? r : -EINVAL;
	if (!value)
		return -EINVAL;
	*ret = TAKE_PTR(value);
	return 0;
}

static int convert(struct vars *vars, json_t *value, const char *type, json_t **ret)
{
	AUTO_JSON json_t *converted = NULL;
	const char *text = json_string_value(value);
	int r = 0;

	if (text && strcmp(type, "any") != 0)
		r = convert_text(vars, text, type, &converted);
	else
		converted = json_incref(value);
	if (r < 0)
		return r;
	if ((strcmp(type, "string") == 0 && !json_is_string(converted)) ||
	    (strcmp(type, "int") == 0 && !json_is_integer(converted)) ||
	    (strcmp(type, "float") == 0 && !json_is_number(converted)))
		return -EINVAL;
	*ret = TAKE_PTR(converted);
	return 0;
}

/* What the variable's source gives: NULL if nothing. */
static int fetch(struct vars *vars, const char *name, const json_t *var,
		 struct settings_place place, json_t **ret)
{
	const char *source = settings_string(var, "source");
	AUTO_FREE char *line = NULL;
	const char *text = NULL;

	if (strcmp(source, "literal") == 0) {
		*ret = json_incref(json_object_get(var, "value"));
		return 0;
	}
	if (strcmp(source, "env") == 0) {
		text = getenv(settings_string(var, "variable"));
	} else {
		int r = settings_prompt(name, settings_bool(var, "sensitive"), &line);

		if (r == -ENOTTY) {
			settings_report_error(vars->loader->report, place, NULL,
					      "vars.%s: there is no terminal to ask at; use source "
					      "env",
					      name);
			return -EINVAL;
		}
		if (r < 0 && r != -ENODATA)
			return r;
		text = line;
	}
	if (!text)
		return 0;
	*ret = json_string(text);
	if (!*ret) {
		settings_report_error(vars->loader->report, place, NULL,
				      "vars.%s: its value is not valid UTF-8", name);
		return -EINVAL;
	}
	return 0;
}

static int evaluate(struct vars *vars, const char *name, const json_t *var,
		    struct settings_place place)
{
	AUTO_JSON json_t *value = NULL, *converted = NULL;
	const char *type = settings_string(var, "type");

	int r = fetch(vars, name, var, place, &value);
	if (r < 0)
		return r;
	if (!value)
		value = json_incref(json_object_get(var, "default"));
	if (!value && settings_bool(var, "required")) {
		if (settings_string(var, "variable"))
			settings_report_error(vars->loader->report, place, NULL,
					      "vars.%s: the environment variable %s is not set",
					      name, settings_string(var, "variable"));
		else
			settings_report_error(vars->loader->report, place, NULL,
					      "vars.%s: no value was given", name);
		return -EINVAL;
	}
	if (!value)
		return json_object_set_new(vars->values, name, json_null()) < 0 ? -ENOMEM : 0;
	r = convert(vars, value, type, &converted);
	if (r == -EINVAL)
		settings_report_error(vars->loader->report, place, NULL,
				      "vars.%s: its value is not of the type %s", name, type);
	if (r == 0 && json_object_set(vars->values, name, converted) < 0)
		r = -ENOMEM;
	return r;
}

static int define(struct vars *vars, const json_t *definitions)
{
	const char *name;
	json_t *definition;

	json_object_foreach((json_t *)definitions, name, definition) {
		struct settings_place place = lines_get(vars->loader->lines, definitions, name);
		AUTO_JSON json_t *var = NULL;

		if (!settings_is_variable(name)) {
			settings_report_error(vars->loader->report, place, NULL,
					      "vars.%s: a name is made of letters, digits and _, "
					      "and begins with a letter",
					      name);
			return -EINVAL;
		}
		if (json_object_get(vars->values, name)) {
			settings_report_error(vars->loader->report, place, NULL,
					      "vars.%s: $%s is set by the program", name, name);
			return -EINVAL;
		}
		int r = schema_check(&var_schema, definition, vars->loader->lines, place,
				     vars->loader->report, &var);
		if (r == 0)
			r = evaluate(vars, name, var, place);
		if (r < 0)
			return r;
	}
	return 0;
}

/* $PATH is the file, $DIR its folder. */
static int define_context(struct vars *vars)
{
	const char *slash = strrchr(vars->file, '/');
	size_t length = slash > vars->file ? (size_t)(slash - vars->file) : 1;

	json_t *dir = json_stringn(vars->file, length);
	json_t *path = json_string(vars->file);
	if (json_object_set_new(vars->values, "DIR", dir) < 0 ||
	    json_object_set_new(vars->values, "PATH", path) < 0)
		return dir && path ? -ENOMEM : -EINVAL;
	return 0;
}

static int replace(struct vars *vars, const json_t *value, struct settings_place place,
		   json_t **ret)
{
	char name[SETTINGS_VARIABLE_MAX + 1];

	int r = settings_expand(json_string_value(value), vars->values, ret, name);
	if (r == -ENOENT) {
		settings_report_error(vars->loader->report, place, NULL,
				      "$%s is not defined; write $$ for a dollar sign", name);
		return -EINVAL;
	}
	if (r == -EINVAL)
		settings_report_error(vars->loader->report, place, NULL,
				      "$%s is neither a string nor a number, so it cannot be part "
				      "of a string",
				      name);
	return r;
}

static int walk(struct vars *vars, json_t *container)
{
	char text[SETTINGS_INDEX_TEXT];
	const char *key;
	json_t *value;
	size_t index;
	int r = 0;

	if (json_is_object(container)) {
		json_object_foreach(container, key, value) {
			json_t *new;

			if (!json_is_string(value)) {
				r = walk(vars, value);
			} else {
				r = replace(vars, value,
					    lines_get(vars->loader->lines, container, key), &new);
				if (r == 0 && json_object_set_new(container, key, new) < 0)
					r = -ENOMEM;
			}
			if (r < 0)
				return r;
		}
	} else if (json_is_array(container)) {
		json_array_foreach(container, index, value) {
			json_t *new;

			if (!json_is_string(value)) {
				r = walk(vars, value);
			} else {
				r = replace(vars, value,
					    lines_get(vars->loader->lines, container,
						      lines_index(index, text)),
					    &new);
				if (r == 0 && json_array_set_new(container, index, new) < 0)
					r = -ENOMEM;
			}
			if (r < 0)
				return r;
		}
	}
	return r;
}

int settings_resolve_vars(struct loader *loader, const char *path, json_t *tree)
{
	AUTO_JSON json_t *values = json_object();
	struct vars vars = {loader, path, values};
	const json_t *definitions = json_object_get(tree, "vars");

	if (!values)
		return -ENOMEM;
	int r = define_context(&vars);
	if (r < 0) {
		if (r == -EINVAL)
			settings_report_error(loader->report, (struct settings_place){path, 0},
					      NULL, "the file's name is not valid UTF-8");
		return r;
	}
	if (definitions && !json_is_object(definitions)) {
		settings_report_error(loader->report, lines_get(loader->lines, tree, "vars"),
				      "vars", "must be a map of names and definitions");
		return -EINVAL;
	}
	r = define(&vars, definitions);
	if (r < 0)
		return r;
	if (definitions)
		(void)json_object_del(tree, "vars");
	return walk(&vars, tree);
}
