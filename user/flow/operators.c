// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/operators.h"

#include <stdlib.h>
#include <string.h>

struct operator_entry *operators_find(struct operator_table *table, const char *name)
{
	struct operator_entry *entry;

	LIST_FOREACH(entry, table, in_table) {
		if (strcmp(entry->name, name) == 0)
			return entry;
	}
	return NULL;
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
	LIST_INSERT_HEAD(table, entry, in_table);
	return entry;
}

void operators_free(struct operator_table *table)
{
	struct operator_entry *entry;

	while ((entry = LIST_FIRST(table))) {
		LIST_REMOVE(entry, in_table);
		free(entry);
	}
}
