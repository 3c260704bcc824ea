/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The private proxies that a worker has to do with at the moment, by name: what
 * waits for each of them, and what each has parked. An entry goes when it has
 * neither. The memory of a few is kept, so that clients who come one after the
 * other cost no allocation each.
 */
#pragma once

#include "common/base/table.h"
#include "user/wire/limits.h"

#include <stdint.h>
#include <sys/queue.h>

struct parked;

struct operator_entry {
	struct table_link by_name;
	uint32_t n_waiting;                    /* clients, for its dial-back: waiting.c */
	uint32_t n_parked;                     /* connections and reservations: park.c */
	LIST_HEAD(parked_list, parked) parked; /* the freshest first */
	struct operator_entry *next_spare;
	char name[OPERATOR_MAX + 1];
};

#define OPERATORS_SPARE 16

struct operator_table {
	struct table by_name;
	struct operator_entry *spare;
	unsigned n_spare;
};

void operators_init(struct operator_table *table);
/* Frees all entries; nothing waits or is parked any more. */
void operators_clear(struct operator_table *table);

/* NULL: not there. */
struct operator_entry *operators_find(const struct operator_table *table, const char *name);
/* Makes one if there is none. NULL: out of memory, or longer than OPERATOR_MAX. */
struct operator_entry *operators_get(struct operator_table *table, const char *name);
/* The entry is gone if nothing waits for it and it has nothing parked. */
void operators_release(struct operator_table *table, struct operator_entry *entry);
