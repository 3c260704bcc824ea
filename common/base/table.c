// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/table.h"

#include <stdlib.h>
#include <string.h>

void table_init(struct table *table)
{
	*table = (struct table){.n_buckets = TABLE_FIRST_BUCKETS};
	siphash_key_new(&table->key);
}

void table_clear(struct table *table)
{
	free(table->buckets);
	table->buckets = NULL;
	table->n_buckets = TABLE_FIRST_BUCKETS;
	table->n = 0;
	memset(table->first, 0, sizeof(table->first));
}

uint64_t table_hash(const struct table *table, const void *key, size_t length)
{
	return siphash(&table->key, key, length);
}

uint64_t table_hash_string(const struct table *table, const char *key)
{
	return table_hash(table, key, strlen(key));
}

/* Not a pointer kept in the table: it may be copied while it is empty. */
static struct table_link **buckets_of(const struct table *table)
{
	return table->buckets ? table->buckets : (struct table_link **)table->first;
}

static struct table_link **bucket_of(const struct table *table, uint64_t hash)
{
	return &buckets_of(table)[hash & (table->n_buckets - 1)];
}

/* Twice as many buckets, or longer chains. */
static void grow(struct table *table)
{
	size_t n_before = table->n_buckets;
	struct table_link **before = buckets_of(table);
	struct table_link **buckets = calloc(2 * n_before, sizeof(*buckets));

	if (!buckets)
		return;
	for (size_t i = 0; i < n_before; i++) {
		for (struct table_link *link = before[i], *next; link; link = next) {
			struct table_link **bucket = &buckets[link->hash & (2 * n_before - 1)];

			next = link->next;
			link->next = *bucket;
			*bucket = link;
		}
	}
	free(table->buckets);
	table->buckets = buckets;
	table->n_buckets = 2 * n_before;
}

void table_add(struct table *table, struct table_link *link, uint64_t hash)
{
	if (table->n >= table->n_buckets)
		grow(table);
	struct table_link **bucket = bucket_of(table, hash);

	link->hash = hash;
	link->next = *bucket;
	*bucket = link;
	table->n++;
}

void table_remove(struct table *table, struct table_link *link)
{
	struct table_link **at = bucket_of(table, link->hash);

	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
	link->next = NULL;
	table->n--;
}

struct table_link *table_find(const struct table *table, uint64_t hash, table_same same,
			      const void *key)
{
	for (struct table_link *link = *bucket_of(table, hash); link; link = link->next)
		if (link->hash == hash && same(link, key))
			return link;
	return NULL;
}

static struct table_link *first_from(const struct table *table, size_t bucket)
{
	for (; bucket < table->n_buckets; bucket++)
		if (buckets_of(table)[bucket])
			return buckets_of(table)[bucket];
	return NULL;
}

struct table_link *table_first(const struct table *table)
{
	return first_from(table, 0);
}

struct table_link *table_next(const struct table *table, const struct table_link *link)
{
	return link->next ? link->next
			  : first_from(table, (link->hash & (table->n_buckets - 1)) + 1);
}
