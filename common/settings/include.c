// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/cleanup.h"
#include "common/settings/file.h"
#include "common/settings/tree.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int include_one(struct loader *loader, const char *path, const json_t *name,
		       struct settings_place place, json_t **ret)
{
	const char *text = json_string_value(name), *slash = strrchr(path, '/');
	AUTO_FREE char *target = NULL;

	if (!text || !*text) {
		settings_report_error(loader->report, place, "$include",
				      "must be a file name or a list of file names");
		return -EINVAL;
	}
	if (text[0] == '/') {
		settings_report_error(loader->report, place, "$include",
				      "%s: must be relative to the file that includes it", text);
		return -EINVAL;
	}
	if (asprintf(&target, "%.*s/%s", (int)(slash - path), path, text) < 0) {
		target = NULL;
		return -ENOMEM;
	}
	return settings_file_load(loader, target, place, ret);
}

/* The included maps in their order, then the map's own keys on top. */
static int include_into_map(struct loader *loader, const char *path, json_t *map, json_t **ret)
{
	struct settings_place place = lines_get(loader->lines, map, "$include");
	AUTO_JSON json_t *names = json_incref(json_object_get(map, "$include"));
	AUTO_JSON json_t *out = json_object(), *list = NULL;
	json_t *name;
	size_t index;

	list = json_is_array(names) ? json_incref(names) : json_pack("[O]", names);
	if (!out || !list)
		return -ENOMEM;
	json_array_foreach(list, index, name) {
		AUTO_JSON json_t *included = NULL;

		int r = include_one(loader, path, name, place, &included);
		if (r < 0)
			return r;
		if (!json_is_object(included)) {
			if (json_object_size(map) == 1 && json_array_size(list) == 1) {
				*ret = TAKE_PTR(included);
				return 0;
			}
			settings_report_error(
				loader->report, place, "$include",
				"%s holds no map; something else can only be included "
				"alone, without other keys beside it",
				json_string_value(name));
			return -EINVAL;
		}
		r = settings_explain(loader, place,
				     settings_merge(loader->lines, MERGE_PARTS, out, included));
		if (r < 0)
			return r;
	}
	(void)json_object_del(map, "$include");
	int r = settings_explain(loader, place,
				 settings_merge(loader->lines, MERGE_PARTS, out, map));
	if (r == 0)
		*ret = TAKE_PTR(out);
	return r;
}

/* A list that is included as an element of a list becomes part of that list. */
static int include_in_list(struct loader *loader, const char *path, json_t *list, json_t **ret)
{
	AUTO_JSON json_t *out = json_array();
	char text[SETTINGS_INDEX_TEXT];
	json_t *element;
	size_t index;

	if (!out)
		return -ENOMEM;
	json_array_foreach(list, index, element) {
		struct settings_place place =
			lines_get(loader->lines, list, lines_index(index, text));
		AUTO_JSON json_t *value = json_incref(element);
		bool was_map = json_is_object(element);
		int r = settings_include(loader, path, &value);

		if (r == 0 && was_map && json_is_array(value)) {
			size_t i;
			json_t *part;

			json_array_foreach(value, i, part) {
				struct settings_place at =
					lines_get(loader->lines, value, lines_index(i, text));

				r = settings_append(loader->lines, out, json_incref(part), at);
				if (r < 0)
					break;
			}
		} else if (r == 0) {
			r = settings_append(loader->lines, out, json_incref(value), place);
		}
		r = settings_explain(loader, place, r);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(out);
	return 0;
}

static int include_below_map(struct loader *loader, const char *path, json_t *map)
{
	const char *key;
	json_t *value;

	json_object_foreach(map, key, value) {
		AUTO_JSON json_t *new = NULL;

		if (strcmp(key, "$include") == 0 ||
		    !(json_is_object(value) || json_is_array(value)))
			continue;
		new = json_incref(value);
		int r = settings_include(loader, path, &new);
		if (r < 0)
			return r;
		if (new != value && json_object_set(map, key, new) < 0)
			return -ENOMEM;
	}
	return 0;
}

int settings_include(struct loader *loader, const char *path, json_t **tree)
{
	json_t *new = NULL;
	int r = 0;

	if (json_is_array(*tree)) {
		r = include_in_list(loader, path, *tree, &new);
	} else if (json_is_object(*tree)) {
		r = include_below_map(loader, path, *tree);
		if (r == 0 && json_object_get(*tree, "$include"))
			r = include_into_map(loader, path, *tree, &new);
	}
	if (r == 0 && new) {
		json_decref(*tree);
		*tree = new;
	}
	return r;
}
