// SPDX-License-Identifier: BSD-2-Clause
#include "common/settings/lines.h"

#include "common/base/container_of.h"
#include "common/base/table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct entry {
	struct table_link link;
	json_t *container; /* owned */
	struct settings_place place;
	char key[];
};

struct name {
	struct name *next;
	char text[];
};

struct lines {
	struct table entries; /* by container and key */
	struct name *names;
};

struct lines *lines_new(void)
{
	struct lines *lines = calloc(1, sizeof(*lines));

	if (lines)
		table_init(&lines->entries);
	return lines;
}

void lines_free(struct lines *lines)
{
	struct table_link *link, *next;

	if (!lines)
		return;
	TABLE_FOREACH(link, next, &lines->entries) {
		struct entry *entry = container_of(link, struct entry, link);
		json_decref(entry->container);
		free(entry);
	}
	table_clear(&lines->entries);
	for (struct name *name = lines->names, *after; name; name = after) {
		after = name->next;
		free(name);
	}
	free(lines);
}

const char *lines_file(struct lines *lines, const char *name)
{
	for (struct name *known = lines->names; known; known = known->next)
		if (strcmp(known->text, name) == 0)
			return known->text;

	size_t size = strlen(name) + 1;
	struct name *new = malloc(sizeof(*new) + size);
	if (!new)
		return NULL;
	memcpy(new->text, name, size);
	new->next = lines->names;
	lines->names = new;
	return new->text;
}

struct lines_key {
	const json_t *container;
	const char *key;
};

static uint64_t hash_of(const struct lines *lines, const struct lines_key *spot)
{
	const uint64_t parts[] = {(uint64_t)(uintptr_t)spot->container,
				  table_hash_string(&lines->entries, spot->key)};

	return table_hash(&lines->entries, parts, sizeof(parts));
}

static bool same_spot(const struct table_link *link, const void *key)
{
	const struct entry *entry = container_of(link, const struct entry, link);
	const struct lines_key *spot = key;

	return entry->container == spot->container && strcmp(entry->key, spot->key) == 0;
}

static struct entry *find(const struct lines *lines, const struct lines_key *spot, uint64_t hash)
{
	struct table_link *link = table_find(&lines->entries, hash, same_spot, spot);

	return link ? container_of(link, struct entry, link) : NULL;
}

int lines_set(struct lines *lines, json_t *container, const char *key, struct settings_place place)
{
	const struct lines_key spot = {container, key};
	uint64_t hash = hash_of(lines, &spot);
	struct entry *entry = find(lines, &spot, hash);
	size_t size = strlen(key) + 1;

	if (entry) {
		entry->place = place;
		return 0;
	}
	if (lines->entries.n >= SETTINGS_VALUES_MAX)
		return -E2BIG;
	entry = malloc(sizeof(*entry) + size);
	if (!entry)
		return -ENOMEM;
	entry->container = json_incref(container);
	entry->place = place;
	memcpy(entry->key, key, size);
	table_add(&lines->entries, &entry->link, hash);
	return 0;
}

struct settings_place lines_get(const struct lines *lines, const json_t *container, const char *key)
{
	const struct lines_key spot = {container, key};

	if (!lines)
		return (struct settings_place){0};
	const struct entry *entry = find(lines, &spot, hash_of(lines, &spot));
	return entry ? entry->place : (struct settings_place){0};
}

const char *lines_index(size_t index, char text[SETTINGS_INDEX_TEXT])
{
	snprintf(text, SETTINGS_INDEX_TEXT, "%zu", index);
	return text;
}

/* Either the places of `from`, or, without it, `place` for all. */
static int copy_places(struct lines *lines, json_t *to, const json_t *from,
		       struct settings_place place)
{
	char text[SETTINGS_INDEX_TEXT];
	const char *key;
	json_t *value;
	size_t index;
	int r = 0;

	if (json_is_object(to)) {
		json_object_foreach(to, key, value) {
			r = lines_set(lines, to, key, from ? lines_get(lines, from, key) : place);
			if (r == 0)
				r = copy_places(lines, value, json_object_get(from, key), place);
			if (r < 0)
				return r;
		}
	} else if (json_is_array(to)) {
		json_array_foreach(to, index, value) {
			lines_index(index, text);
			r = lines_set(lines, to, text, from ? lines_get(lines, from, text) : place);
			if (r == 0)
				r = copy_places(lines, value, json_array_get(from, index), place);
			if (r < 0)
				return r;
		}
	}
	return r;
}

int lines_copy(struct lines *lines, json_t *to, const json_t *from)
{
	return copy_places(lines, to, from, (struct settings_place){0});
}

int lines_spread(struct lines *lines, json_t *tree, struct settings_place place)
{
	return copy_places(lines, tree, NULL, place);
}
