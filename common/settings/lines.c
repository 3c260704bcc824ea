// SPDX-License-Identifier: BSD-2-Clause
#include "common/settings/lines.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define FIRST_SLOTS 256

struct entry {
	json_t *container; /* NULL: the slot is free */
	char *key;
	struct place place;
};

struct name {
	struct name *next;
	char text[];
};

struct lines {
	struct entry *slots;
	size_t n_slots; /* a power of two */
	size_t n_used;
	struct name *names;
};

struct lines *lines_new(void)
{
	struct lines *lines = calloc(1, sizeof(*lines));

	if (!lines)
		return NULL;
	lines->n_slots = FIRST_SLOTS;
	lines->slots = calloc(lines->n_slots, sizeof(*lines->slots));
	if (!lines->slots) {
		free(lines);
		return NULL;
	}
	return lines;
}

void lines_free(struct lines *lines)
{
	if (!lines)
		return;
	for (size_t i = 0; i < lines->n_slots; i++) {
		json_decref(lines->slots[i].container);
		free(lines->slots[i].key);
	}
	for (struct name *name = lines->names, *next; name; name = next) {
		next = name->next;
		free(name);
	}
	free(lines->slots);
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

/* FNV-1a over the container's address and the key. */
static size_t hash(const json_t *container, const char *key)
{
	uint64_t h = 14695981039346656037ULL ^ (uint64_t)(uintptr_t)container;

	for (h *= 1099511628211ULL; *key; key++)
		h = (h ^ (unsigned char)*key) * 1099511628211ULL;
	return (size_t)(h ^ (h >> 29));
}

static struct entry *find(const struct lines *lines, const json_t *container, const char *key)
{
	size_t i = hash(container, key) & (lines->n_slots - 1);

	while (lines->slots[i].container &&
	       (lines->slots[i].container != container || strcmp(lines->slots[i].key, key) != 0))
		i = (i + 1) & (lines->n_slots - 1);
	return &lines->slots[i];
}

static int grow(struct lines *lines)
{
	struct lines larger = {.n_slots = lines->n_slots * 2};

	larger.slots = calloc(larger.n_slots, sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < lines->n_slots; i++)
		if (lines->slots[i].container)
			*find(&larger, lines->slots[i].container, lines->slots[i].key) =
				lines->slots[i];
	free(lines->slots);
	lines->slots = larger.slots;
	lines->n_slots = larger.n_slots;
	return 0;
}

int lines_set(struct lines *lines, json_t *container, const char *key, struct place place)
{
	struct entry *entry = find(lines, container, key);

	if (entry->container) {
		entry->place = place;
		return 0;
	}
	if (lines->n_used >= SETTINGS_VALUES_MAX)
		return -E2BIG;
	if ((lines->n_used + 1) * 4 > lines->n_slots * 3) {
		int r = grow(lines);

		if (r < 0)
			return r;
		entry = find(lines, container, key);
	}
	char *copy = strdup(key);
	if (!copy)
		return -ENOMEM;
	*entry = (struct entry){json_incref(container), copy, place};
	lines->n_used++;
	return 0;
}

struct place lines_get(const struct lines *lines, const json_t *container, const char *key)
{
	if (!lines)
		return (struct place){0};
	return find(lines, container, key)->place;
}

const char *lines_index(size_t index, char text[SETTINGS_INDEX_TEXT])
{
	snprintf(text, SETTINGS_INDEX_TEXT, "%zu", index);
	return text;
}

/* Either the places of `from`, or, without it, `place` for all. */
static int copy_places(struct lines *lines, json_t *to, const json_t *from, struct place place)
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
	return copy_places(lines, to, from, (struct place){0});
}

int lines_spread(struct lines *lines, json_t *tree, struct place place)
{
	return copy_places(lines, tree, NULL, place);
}
