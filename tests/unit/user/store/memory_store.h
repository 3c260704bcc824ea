/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A store in memory: what is written stays there until memory_store_forget(),
 * also when the store is closed. Included by one test program each.
 */
#pragma once

#include "common/base/container_of.h"
#include "user/store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_STORE_MAX 64

struct memory_record {
	char domain[64], proxy[64], owner[64];
	int64_t expires_at;
};

struct memory_records {
	struct memory_record list[MEMORY_STORE_MAX];
	size_t n;
};

static struct memory_records memory_records;
static const char *memory_refused; /* records of this domain are not taken */

struct memory_store {
	struct store store;
	const char *reason;
};

static const struct store_ops memory_store_ops;

static int memory_store_open(const json_t *settings, enum proxy_role role, struct store **ret,
			     char **ret_error)
{
	struct memory_store *store = calloc(1, sizeof(*store));

	(void)settings;
	(void)role;
	(void)ret_error;
	store->store.ops = &memory_store_ops;
	*ret = &store->store;
	return 0;
}

static void memory_store_close(struct store *base)
{
	free(container_of(base, struct memory_store, store));
}

static int memory_store_load(struct store *base, stored_each each, void *arg)
{
	int r = 0;

	(void)base;
	for (size_t i = 0; i < memory_records.n && r == 0; i++) {
		const struct memory_record *from = &memory_records.list[i];
		const struct stored record = {from->domain, from->proxy, from->owner,
					      from->expires_at};

		r = each(&record, arg);
	}
	return r;
}

static void memory_store_apply(struct memory_records *records, const struct stored_change *change)
{
	const struct stored *from = &change->record;
	struct memory_record *to = records->list, *end = to + records->n;

	while (to < end && (strcmp(to->domain, from->domain) || strcmp(to->proxy, from->proxy)))
		to++;
	if (change->remove) {
		if (to < end) {
			memmove(to, to + 1, (size_t)(end - to - 1) * sizeof(*to));
			records->n--;
		}
		return;
	}
	if (to == end && records->n++ == MEMORY_STORE_MAX)
		abort();
	strcpy(to->domain, from->domain);
	strcpy(to->proxy, from->proxy);
	strcpy(to->owner, from->owner);
	to->expires_at = from->expires_at;
}

static int memory_store_write(struct store *base, const struct stored_change *changes, size_t n)
{
	struct memory_store *store = container_of(base, struct memory_store, store);
	struct memory_records after = memory_records;

	for (size_t i = 0; i < n; i++) {
		const char *domain = changes[i].record.domain;

		if (memory_refused && !changes[i].remove && strcmp(domain, memory_refused) == 0) {
			store->reason = "no room";
			return -ENOSPC;
		}
		memory_store_apply(&after, &changes[i]);
	}
	memory_records = after;
	return 0;
}

static const char *memory_store_reason(const struct store *base)
{
	return container_of(base, struct memory_store, store)->reason;
}

static void memory_store_forget(void)
{
	memory_records.n = 0;
	memory_refused = NULL;
}

static const struct store_ops memory_store_ops = {
	.type = "memory",
	.open = memory_store_open,
	.close = memory_store_close,
	.load = memory_store_load,
	.write = memory_store_write,
	.reason = memory_store_reason,
};
