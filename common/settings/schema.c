// SPDX-License-Identifier: BSD-2-Clause
#include "common/settings/schema.h"

#include "common/base/cleanup.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define PATH_TEXT_MAX 512
#define KEYS_MAX      64

struct check {
	const struct lines *lines;
	struct settings_report *report;
	bool failed;
};

/* A value to be looked at: what it is called and where it stands. */
struct spot {
	const char *path;
	struct settings_place place;
};

static int check_value(struct check *check, const struct schema_key *key, enum schema_type type,
		       const json_t *in, struct spot spot, json_t **ret);

#define ERROR(spot, ...)                                                                      \
	do {                                                                                  \
		check->failed = true;                                                         \
		settings_report_error(check->report, (spot).place, (spot).path, __VA_ARGS__); \
	} while (0)

/* The spot of a value below `up`; `path` has PATH_TEXT_MAX bytes and must outlive the spot. */
static struct spot below(const struct check *check, struct spot up, const json_t *container,
			 const char *key, char *path)
{
	struct spot spot = {path, lines_get(check->lines, container, key)};

	if (snprintf(path, PATH_TEXT_MAX, "%s%s%s", up.path, *up.path ? "." : "", key) < 0)
		path[0] = '\0';
	if (!spot.place.file)
		spot.place = up.place;
	return spot;
}

/* null and "" say nothing, as in the originals. */
static bool is_absent(enum schema_type type, const json_t *in)
{
	return !in || json_is_null(in) ||
	       (type != SCHEMA_ANY && json_is_string(in) && json_string_length(in) == 0);
}

static const struct schema_key *find_key(const struct schema *schema, const char *name)
{
	for (const struct schema_key *key = schema ? schema->keys : NULL; key && key->name; key++)
		if (strcmp(key->name, name) == 0)
			return key;
	return NULL;
}

static void unknown_key(struct check *check, const struct schema *schema, bool tagged,
			const char *name, struct spot spot)
{
	const char *names[KEYS_MAX];
	char known[SCHEMA_WHAT_MAX];
	size_t n = 0, used = 0;

	if (tagged) {
		names[n++] = "type";
		names[n++] = "settings";
	}
	for (const struct schema_key *key = schema ? schema->keys : NULL;
	     key && key->name && n < KEYS_MAX; key++)
		names[n++] = key->name;
	const char *near = schema_nearest(name, names, n);
	if (near) {
		ERROR(spot, "unknown key; did you mean \"%s\"?", near);
		return;
	}
	known[0] = '\0';
	for (size_t i = 0; i < n && used < sizeof(known); i++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
					 names[i]);
	if (used >= sizeof(known))
		ERROR(spot, "unknown key; docs/settings.md lists those that there are");
	else
		ERROR(spot, "unknown key; there are only %s", known);
}

/* The default, as if it had been written in the settings. */
static int fill_in(struct check *check, const struct schema_key *key, struct spot spot,
		   json_t **ret)
{
	AUTO_JSON json_t *text = NULL;

	switch (key->type) {
	case SCHEMA_STRING:
	case SCHEMA_ADDRESS:
	case SCHEMA_URL:
	case SCHEMA_FILE:
	case SCHEMA_PATH:
	case SCHEMA_DOMAIN:
	case SCHEMA_CHOICE:
	case SCHEMA_DURATION:
	case SCHEMA_SIZE:
		text = json_string(key->fallback);
		break;
	default:
		text = json_loads(key->fallback, JSON_DECODE_ANY, NULL);
	}
	return text ? check_value(check, key, key->type, text, spot, ret) : -ENOMEM;
}

static int check_key(struct check *check, const struct schema_key *key, const json_t *in,
		     struct spot up, json_t *out)
{
	const json_t *value = json_object_get(in, key->name);
	char path[PATH_TEXT_MAX];
	json_t *checked = NULL;
	int r;

	struct spot spot = below(check, up, in, key->name, path);
	if (is_absent(key->type, value)) {
		if (key->flags & SCHEMA_REQUIRED) {
			ERROR(spot, "is required: %s", key->doc);
			return 0;
		}
		if (!key->fallback)
			return 0;
		r = fill_in(check, key, spot, &checked);
	} else if (key->flags & SCHEMA_UNSERVED) {
		settings_report_warning(check->report, spot.place, spot.path,
					"is known, but this version does nothing with it: %s",
					key->doc);
		return 0;
	} else {
		r = check_value(check, key, key->type, value, spot, &checked);
	}
	if (r == -EINVAL || (r == 0 && !checked))
		return 0;
	if (r == 0 && json_object_set_new(out, key->name, checked) < 0)
		r = -ENOMEM;
	return r;
}

/* All keys of `schema`, and that there are no others; a tagged map has two more. */
static int check_keys(struct check *check, const struct schema *schema, bool tagged,
		      const json_t *in, struct spot up, json_t *out)
{
	char path[PATH_TEXT_MAX];
	const char *name;
	json_t *value;
	int r = 0;

	json_object_foreach((json_t *)in, name, value) {
		bool own = tagged && (strcmp(name, "type") == 0 || strcmp(name, "settings") == 0);

		if (!own && !find_key(schema, name))
			unknown_key(check, schema, tagged, name, below(check, up, in, name, path));
	}
	for (const struct schema_key *key = schema ? schema->keys : NULL;
	     r == 0 && key && key->name; key++)
		r = check_key(check, key, in, up, out);
	return r;
}

static int check_object(struct check *check, const struct schema *schema, const json_t *in,
			struct spot spot, json_t **ret)
{
	AUTO_JSON json_t *out = json_object();
	bool failed = check->failed;

	if (!out)
		return -ENOMEM;
	if (!json_is_object(in)) {
		ERROR(spot, "must be a map of keys and values");
		return -EINVAL;
	}
	check->failed = false;
	int r = check_keys(check, schema, false, in, spot, out);
	/* The whole is judged only when its parts are sound. */
	const char *what = r == 0 && !check->failed && schema->check ? schema->check(out) : NULL;
	if (what)
		ERROR(spot, "%s", what);
	check->failed |= failed;
	if (r == 0)
		*ret = TAKE_PTR(out);
	return r;
}

static const struct schema_variant *find_variant(struct check *check, const struct schema_key *key,
						 const json_t *type, struct spot spot)
{
	const char *names[KEYS_MAX + 1] = {NULL}, *text = json_string_value(type);
	struct schema_key choice = {.choices = names};
	char what[SCHEMA_WHAT_MAX];
	AUTO_JSON json_t *unused = NULL;
	size_t n = 0;

	for (const struct schema_variant *variant = key->variants; variant->type; variant++) {
		if (text && strcmp(variant->type, text) == 0)
			return variant;
		if (n < KEYS_MAX)
			names[n++] = variant->type;
	}
	if (is_absent(SCHEMA_CHOICE, type))
		ERROR(spot, "is required");
	else if (schema_value(&choice, SCHEMA_CHOICE, type, &unused, what) == -EINVAL)
		ERROR(spot, "%s", what);
	return NULL;
}

/* *ret stays NULL for a variant that is not served. */
static int check_tagged(struct check *check, const struct schema_key *key, const json_t *in,
			struct spot spot, json_t **ret)
{
	AUTO_JSON json_t *out = json_object(), *settings = NULL, *none = json_object();
	char path[PATH_TEXT_MAX];

	if (!out || !none)
		return -ENOMEM;
	if (!json_is_object(in)) {
		ERROR(spot, "must be a map with type and settings");
		return -EINVAL;
	}
	struct spot at_type = below(check, spot, in, "type", path);
	const struct schema_variant *variant =
		find_variant(check, key, json_object_get(in, "type"), at_type);
	if (!variant)
		return -EINVAL;
	if (variant->refusal) {
		ERROR(at_type, "%s", variant->refusal);
		return -EINVAL;
	}
	if (variant->flags & SCHEMA_UNSERVED) {
		settings_report_warning(
			check->report, at_type.place, spot.path,
			"the type %s is known, but not served in this version: it is "
			"left out",
			variant->type);
		return 0;
	}
	int r = check_keys(check, key->object, true, in, spot, out);
	if (r < 0)
		return r;
	const json_t *given = json_object_get(in, "settings");
	struct spot at_settings = below(check, spot, in, "settings", path);
	if (variant->settings) {
		r = check_object(check, variant->settings,
				 is_absent(SCHEMA_OBJECT, given) ? none : given, at_settings,
				 &settings);
	} else {
		if (json_object_size(given) > 0)
			ERROR(at_settings, "the type %s has no settings", variant->type);
		settings = TAKE_PTR(none);
	}
	if (r < 0)
		return r;
	if (json_object_set_new(out, "type", json_string(variant->type)) < 0 ||
	    json_object_set(out, "settings", settings) < 0)
		return -ENOMEM;
	*ret = TAKE_PTR(out);
	return 0;
}

static int check_list(struct check *check, const struct schema_key *key, const json_t *in,
		      struct spot spot, json_t **ret)
{
	AUTO_JSON json_t *out = json_array();
	char path[PATH_TEXT_MAX], index_text[SETTINGS_INDEX_TEXT];
	json_t *element;
	size_t index;

	if (!out)
		return -ENOMEM;
	if (!json_is_array(in)) {
		ERROR(spot, "must be a list; write [a, b], or one \"- \" line for each element");
		return -EINVAL;
	}
	json_array_foreach(in, index, element) {
		json_t *checked = NULL;

		struct spot at = below(check, spot, in, lines_index(index, index_text), path);
		if (is_absent(key->element, element)) {
			ERROR(at, "must not be empty");
			continue;
		}
		int r = check_value(check, key, key->element, element, at, &checked);
		if (r < 0 && r != -EINVAL)
			return r;
		if (checked && json_array_append_new(out, checked) < 0)
			return -ENOMEM;
	}
	if (key->flags & SCHEMA_REQUIRED && json_array_size(in) == 0)
		ERROR(spot, "needs at least one element: %s", key->doc);
	*ret = TAKE_PTR(out);
	return 0;
}

static int check_value(struct check *check, const struct schema_key *key, enum schema_type type,
		       const json_t *in, struct spot spot, json_t **ret)
{
	char what[SCHEMA_WHAT_MAX];
	int r;

	switch (type) {
	case SCHEMA_OBJECT:
		return check_object(check, key->object, in, spot, ret);
	case SCHEMA_TAGGED:
		return check_tagged(check, key, in, spot, ret);
	case SCHEMA_LIST:
		return check_list(check, key, in, spot, ret);
	default:
		r = schema_value(key, type, in, ret, what);
		if (r == -EINVAL)
			ERROR(spot, "%s", what);
		return r;
	}
}

int schema_check(const struct schema *schema, const json_t *tree, const struct lines *lines,
		 struct settings_place origin, struct settings_report *report, json_t **ret)
{
	struct check check = {.lines = lines, .report = report};
	struct spot root = {"", origin};
	AUTO_JSON json_t *out = NULL;

	int r = check_object(&check, schema, tree, root, &out);
	if (r == 0 && check.failed)
		r = -EINVAL;
	if (r == 0)
		*ret = TAKE_PTR(out);
	return r;
}
