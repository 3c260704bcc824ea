/* SPDX-License-Identifier: BSD-2-Clause */
/* Copying and merging settings trees; places go along. */
#pragma once

#include "common/settings/lines.h"

/* A deep copy. -E2BIG: the settings have become too large. -ENOMEM. */
int settings_copy(struct lines *lines, const json_t *tree, json_t **ret);

enum merge_stage {
	/* Among the parts of one file: "key!" replaces, and stays marked for the files before. */
	MERGE_PARTS,
	/* Of whole files, in their order: "key!" replaces and becomes "key". */
	MERGE_FILES,
};

/*
 * Merge the map `from` into the map `into`: maps recursively, lists
 * concatenated, all else replaced; null says nothing, unless a "key!" says
 * it. `from` stays as it is. -E2BIG, -ENOMEM.
 */
int settings_merge(struct lines *lines, enum merge_stage stage, json_t *into, const json_t *from);

/* Maps and lists inside one another; a scalar has depth 0. */
unsigned settings_depth(const json_t *tree);

/* Append an element with its place; takes `value`, which may be NULL (-ENOMEM). */
int settings_append(struct lines *lines, json_t *list, json_t *value, struct settings_place place);
/* Set a key with its place; takes `value`, which may be NULL (-ENOMEM). */
int settings_put(struct lines *lines, json_t *map, const char *key, json_t *value,
		 struct settings_place place);
