// SPDX-License-Identifier: BSD-2-Clause
#include "common/settings/tree.h"

#include "common/base/cleanup.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define KEY_TEXT_MAX 1024

int settings_append(struct lines *lines, json_t *list, json_t *value, struct settings_place place)
{
	char text[SETTINGS_INDEX_TEXT];

	if (!value || json_array_append_new(list, value) < 0)
		return -ENOMEM;
	return lines_set(lines, list, lines_index(json_array_size(list) - 1, text), place);
}

int settings_put(struct lines *lines, json_t *map, const char *key, json_t *value,
		 struct settings_place place)
{
	if (!value || json_object_set_new(map, key, value) < 0)
		return -ENOMEM;
	return lines_set(lines, map, key, place);
}

static int append_all(struct lines *lines, json_t *into, const json_t *from,
		      int (*copy)(struct lines *, const json_t *, json_t **))
{
	char text[SETTINGS_INDEX_TEXT];
	json_t *element, *value;
	size_t index;

	json_array_foreach(from, index, element) {
		int r = copy(lines, element, &value);

		if (r == 0)
			r = settings_append(lines, into, value,
					    lines_get(lines, from, lines_index(index, text)));
		if (r < 0)
			return r;
	}
	return 0;
}

int settings_copy(struct lines *lines, const json_t *tree, json_t **ret)
{
	AUTO_JSON json_t *out = NULL;
	const char *key;
	json_t *element, *value;
	int r = 0;

	if (json_is_array(tree)) {
		out = json_array();
		r = out ? append_all(lines, out, tree, settings_copy) : -ENOMEM;
	} else if (json_is_object(tree)) {
		out = json_object();
		if (!out)
			return -ENOMEM;
		json_object_foreach((json_t *)tree, key, element) {
			r = settings_copy(lines, element, &value);
			if (r == 0)
				r = settings_put(lines, out, key, value,
						 lines_get(lines, tree, key));
			if (r < 0)
				return r;
		}
	} else {
		out = json_incref((json_t *)tree);
	}
	if (r == 0)
		*ret = TAKE_PTR(out);
	return r;
}

/* A copy in which nothing is left to be replaced: every "key!" is "key". */
static int copy_finished(struct lines *lines, const json_t *tree, json_t **ret)
{
	AUTO_JSON json_t *out = NULL;
	int r;

	if (json_is_object(tree)) {
		out = json_object();
		r = out ? settings_merge(lines, MERGE_FILES, out, tree) : -ENOMEM;
	} else if (json_is_array(tree)) {
		out = json_array();
		r = out ? append_all(lines, out, tree, copy_finished) : -ENOMEM;
	} else {
		return settings_copy(lines, tree, ret);
	}
	if (r == 0)
		*ret = TAKE_PTR(out);
	return r;
}

/* "key" and "key!": the two names under which a key may be there. */
struct names {
	char plain[KEY_TEXT_MAX];
	char marked[KEY_TEXT_MAX + 1];
	bool replaces;
};

static int split_name(const char *key, struct names *ret)
{
	size_t length = strlen(key);

	if (length >= KEY_TEXT_MAX)
		return -E2BIG;
	ret->replaces = length > 1 && key[length - 1] == '!';
	length -= ret->replaces;
	memcpy(ret->plain, key, length);
	ret->plain[length] = '\0';
	memcpy(ret->marked, key, length);
	memcpy(ret->marked + length, "!", 2);
	return 0;
}

static int merge_key(struct lines *lines, enum merge_stage stage, json_t *into, const json_t *from,
		     const char *key, const json_t *value)
{
	int (*copy)(struct lines *, const json_t *, json_t **) =
		stage == MERGE_FILES ? copy_finished : settings_copy;
	struct names names;
	json_t *copied;

	int r = split_name(key, &names);
	if (r < 0)
		return r;
	const char *present = json_object_get(into, names.marked) && stage == MERGE_PARTS
				      ? names.marked
				      : names.plain;
	json_t *before = json_object_get(into, present);
	if (before && !names.replaces) {
		if (json_is_null(value))
			return 0;
		if (json_is_object(before) && json_is_object(value))
			return settings_merge(lines, stage, before, value);
		if (json_is_array(before) && json_is_array(value))
			return append_all(lines, before, value, copy);
	}
	if (names.replaces && stage == MERGE_PARTS) {
		(void)json_object_del(into, names.plain);
		present = names.marked;
	}
	r = copy(lines, value, &copied);
	if (r == 0)
		r = settings_put(lines, into, present, copied, lines_get(lines, from, key));
	return r;
}

int settings_merge(struct lines *lines, enum merge_stage stage, json_t *into, const json_t *from)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)from, key, value) {
		int r = merge_key(lines, stage, into, from, key, value);

		if (r < 0)
			return r;
	}
	return 0;
}

unsigned settings_depth(const json_t *tree)
{
	unsigned deepest = 0, depth;
	const char *key;
	json_t *value;
	size_t index;

	if (json_is_object(tree)) {
		json_object_foreach((json_t *)tree, key, value) {
			depth = settings_depth(value);
			deepest = depth > deepest ? depth : deepest;
		}
		return deepest + 1;
	}
	if (json_is_array(tree)) {
		json_array_foreach(tree, index, value) {
			depth = settings_depth(value);
			deepest = depth > deepest ? depth : deepest;
		}
		return deepest + 1;
	}
	return 0;
}
