// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/operators.h"

#include "common/base/container_of.h"

#include <stdlib.h>
#include <string.h>

void operators_init(struct operator_table *table)
{
	table_init(&table->by_name);
}

void operators_clear(struct operator_table *table)
{
	struct table_link *link, *next;

	TABLE_FOREACH(link, next, &table->by_name)
		free(container_of(link, struct operator_entry, by_name));
	table_clear(&table->by_name);
}

static bool has_name(const struct table_link *link, const void *name)
{
	return strcmp(container_of(link, const struct operator_entry, by_name)->name, name) == 0;
}

struct operator_entry *operators_find(const struct operator_table *table, const char *name)
{
	struct table_link *link = table_find(
		&table->by_name, table_hash_string(&table->by_name, name), has_name, name);

	return link ? container_of(link, struct operator_entry, by_name) : NULL;
}

struct operator_entry *operators_get(struct operator_table *table, const char *name)
{
	struct operator_entry *entry = operators_find(table, name);

	if (entry)
		return entry;
	entry = calloc(1, sizeof(*entry) + strlen(name) + 1);
	if (!entry)
		return NULL;
	strcpy(entry->name, name);
	table_add(&table->by_name, &entry->by_name, table_hash_string(&table->by_name, name));
	return entry;
}

void operators_release(struct operator_table *table, struct operator_entry *entry)
{
	if (entry->n_waiting > 0 || entry->n_parked > 0)
		return;
	table_remove(&table->by_name, &entry->by_name);
	free(entry);
}
