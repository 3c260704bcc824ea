/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The private proxies that a worker has to do with, by name: what waits for
 * each of them, and what each has parked. Entries stay until the end; there are
 * as many as operators with announcements, ever.
 */
#pragma once

#include <stdint.h>
#include <sys/queue.h>

struct parked;

struct operator_entry {
	LIST_ENTRY(operator_entry) in_table;
	uint32_t n_waiting;                    /* clients, for its dial-back: waiting.c */
	uint32_t n_parked;                     /* connections and reservations: park.c */
	LIST_HEAD(parked_list, parked) parked; /* the freshest first */
	char name[];
};

LIST_HEAD(operator_table, operator_entry);

/* NULL: not there. */
struct operator_entry *operators_find(struct operator_table *table, const char *name);
/* Makes one if there is none. NULL: out of memory. */
struct operator_entry *operators_get(struct operator_table *table, const char *name);
void operators_free(struct operator_table *table);
