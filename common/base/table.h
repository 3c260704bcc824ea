/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hash table whose members carry their own link, so that adding needs no
 * memory and cannot fail: where the table cannot grow, its chains do. The hash
 * is keyed (siphash.h), since strangers choose many of the keys. Not for two
 * threads at once.
 *
 * Why not a library's: those of Debian allocate, or end the process, when a
 * member is added.
 */
#pragma once

#include "common/base/siphash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE_FIRST_BUCKETS 8 /* inside the table itself */

/* In each member. */
struct table_link {
	struct table_link *next;
	uint64_t hash;
};

struct table {
	struct siphash_key key;
	size_t n;
	size_t n_buckets;            /* a power of two */
	struct table_link **buckets; /* NULL: `first` is used */
	struct table_link *first[TABLE_FIRST_BUCKETS];
};

/* Whether a member of the right hash is the one that is looked for. */
typedef bool (*table_same)(const struct table_link *link, const void *key);

/* An empty table with a random key. Owns nothing yet. */
void table_init(struct table *table);
/* Forget all members, which are the caller's, and free the buckets. Then as after table_init(). */
void table_clear(struct table *table);

/* The hash of a key, for the calls below. */
uint64_t table_hash(const struct table *table, const void *key, size_t length);
uint64_t table_hash_string(const struct table *table, const char *key);

/* The same key twice is the caller's bug: the later one hides the earlier. */
void table_add(struct table *table, struct table_link *link, uint64_t hash);
/* `link` must be in. */
void table_remove(struct table *table, struct table_link *link);
/* NULL: not in. */
struct table_link *table_find(const struct table *table, uint64_t hash, table_same same,
			      const void *key);

/*
 * All members, in no order: the first, and the one after `link`. NULL at the
 * end. Of the members none but `link` itself may be removed, and only once the
 * next one has been asked for.
 */
struct table_link *table_first(const struct table *table);
struct table_link *table_next(const struct table *table, const struct table_link *link);

/* `link` and `next` are struct table_link *; the body may remove `link`. */
#define TABLE_FOREACH(link, next, table)                                                    \
	for (link = table_first(table), next = link ? table_next(table, link) : NULL; link; \
	     link = next, next = link ? table_next(table, link) : NULL)
