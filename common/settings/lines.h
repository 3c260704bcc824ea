/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where each value of a settings tree was written: a table beside the tree,
 * keyed by the container and the key in it, since json_t has no room for it.
 * It also counts the values, which bounds what aliases and references can
 * make of a small file.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#define SETTINGS_VALUES_MAX 200000
#define SETTINGS_DEPTH_MAX  64
#define SETTINGS_INDEX_TEXT 24

struct settings_place {
	const char *file; /* NULL: unknown */
	unsigned line;    /* 0: unknown */
};

struct lines;

struct lines *lines_new(void);        /* NULL: out of memory */
void lines_free(struct lines *lines); /* takes NULL; also ends the life of the file names */

/* A copy of `name` that lives as long as the table. NULL: out of memory. */
const char *lines_file(struct lines *lines, const char *name);

/*
 * Remember where container[key] comes from; the table holds a reference to
 * the container. -E2BIG: more than SETTINGS_VALUES_MAX values. -ENOMEM.
 */
int lines_set(struct lines *lines, json_t *container, const char *key, struct settings_place place);
/* {NULL, 0} if unknown; `lines` may be NULL. */
struct settings_place lines_get(const struct lines *lines, const json_t *container,
				const char *key);

/* The same for an element of a list: its index as a key. */
const char *lines_index(size_t index, char text[SETTINGS_INDEX_TEXT]);

/* Give `to` and all below it the places of the equally shaped `from`. */
int lines_copy(struct lines *lines, json_t *to, const json_t *from);
/* Give all below `tree` the place `place`. */
int lines_spread(struct lines *lines, json_t *tree, struct settings_place place);
