// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/operators.h"

#include "common/base/container_of.h"

#include <stdlib.h>
#include <string.h>

void operators_init(struct operator_table *table)
{
	*table = (struct operator_table){0};
	table_init(&table->by_name);
}

static struct operator_entry *take_spare(struct operator_table *table)
{
	struct operator_entry *entry = table->spare;

	if (!entry)
		return calloc(1, sizeof(*entry));
	table->spare = entry->next_spare;
	table->n_spare--;
	*entry = (struct operator_entry){0};
	return entry;
}

static void keep_spare(struct operator_table *table, struct operator_entry *entry)
{
	if (table->n_spare >= OPERATORS_SPARE) {
		free(entry);
		return;
	}
	entry->next_spare = table->spare;
	table->spare = entry;
	table->n_spare++;
}

void operators_clear(struct operator_table *table)
{
	struct table_link *link, *next;

	TABLE_FOREACH(link, next, &table->by_name)
		free(container_of(link, struct operator_entry, by_name));
	table_clear(&table->by_name);
	for (struct operator_entry *entry; (entry = table->spare);) {
		table->spare = entry->next_spare;
		free(entry);
	}
	table->n_spare = 0;
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
	entry = strlen(name) <= OPERATOR_MAX ? take_spare(table) : NULL;
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
	keep_spare(table, entry);
}
