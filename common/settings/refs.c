// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/cleanup.h"
#include "common/settings/file.h"
#include "common/settings/tree.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

struct refs {
	struct loader *loader;
	json_t *root;
};

static int resolve_below(struct refs *refs, json_t *container, unsigned depth);

static int look_up(struct refs *refs, const json_t *ref, struct settings_place place,
		   unsigned depth, json_t **ret)
{
	const json_t *name = json_object_get(ref, "$ref");
	const char *text = json_string_value(name);

	if (!text || !*text) {
		settings_report_error(refs->loader->report, place, "$ref",
				      "must be a path such as \"a.b.0\"");
		return -EINVAL;
	}
	if (json_object_size(ref) != 1) {
		settings_report_error(refs->loader->report, place, "$ref",
				      "no other key may stand beside it");
		return -EINVAL;
	}
	const json_t *target = settings_get(refs->root, text);
	if (!target) {
		settings_report_error(refs->loader->report, place, "$ref",
				      "there is nothing at %s in this file", text);
		return -EINVAL;
	}
	if (depth + settings_depth(target) > SETTINGS_DEPTH_MAX) {
		settings_report_error(refs->loader->report, place, "$ref",
				      "%s refers to itself, or is nested deeper than %d", text,
				      SETTINGS_DEPTH_MAX);
		return -EINVAL;
	}
	return settings_explain(refs->loader, place,
				settings_copy(refs->loader->lines, target, ret));
}

/* What is to stand in the place of `value`; NULL: it may stay. */
static int resolve_value(struct refs *refs, json_t *value, struct settings_place place,
			 unsigned depth, json_t **ret)
{
	AUTO_JSON json_t *now = json_incref(value);
	int r;

	for (unsigned hops = 0; json_object_get(now, "$ref"); hops++) {
		json_t *target;

		r = look_up(refs, now, place, depth + hops, &target);
		if (r < 0)
			return r;
		json_decref(now);
		now = target;
	}
	r = resolve_below(refs, now, depth + 1);
	if (r == 0 && now != value)
		*ret = TAKE_PTR(now);
	return r;
}

static int resolve_list(struct refs *refs, json_t *list, unsigned depth)
{
	char text[SETTINGS_INDEX_TEXT];
	json_t *value;
	size_t index;

	json_array_foreach(list, index, value) {
		struct settings_place place =
			lines_get(refs->loader->lines, list, lines_index(index, text));
		json_t *new = NULL;

		int r = resolve_value(refs, value, place, depth, &new);
		if (r < 0)
			return r;
		if (new &&json_array_set_new(list, index, new) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int resolve_map(struct refs *refs, json_t *map, unsigned depth)
{
	const char *key;
	json_t *value;

	json_object_foreach(map, key, value) {
		json_t *new = NULL;

		int r = resolve_value(refs, value, lines_get(refs->loader->lines, map, key), depth,
				      &new);
		if (r < 0)
			return r;
		if (new &&json_object_set_new(map, key, new) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int resolve_below(struct refs *refs, json_t *container, unsigned depth)
{
	if (json_is_object(container))
		return resolve_map(refs, container, depth);
	if (json_is_array(container))
		return resolve_list(refs, container, depth);
	return 0;
}

int settings_resolve_refs(struct loader *loader, const char *file, json_t *tree)
{
	struct refs refs = {loader, tree};

	if (json_object_get(tree, "$ref")) {
		settings_report_error(loader->report, (struct settings_place){file, 0}, "$ref",
				      "the whole file cannot be a reference");
		return -EINVAL;
	}
	return resolve_below(&refs, tree, 0);
}
