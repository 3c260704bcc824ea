/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where parked connections have led a moment ago. The control thread knows the
 * announcements and the addresses; a private worker asks it once a second for
 * each name, not for each connection.
 */
#pragma once

#include "common/base/addr.h"

#include <stdint.h>

struct inside_memory;

struct inside_memory *inside_memory_new(void); /* NULL: out of memory */
void inside_memory_free(struct inside_memory *memory);

/* `now`: monotonic, ns. `proxy`: the public one, by its operator. */
void inside_learn(struct inside_memory *memory, const char *domain, const char *proxy,
		  const struct addr *addrs, unsigned n, uint64_t now);

/* How many addresses; 0: ask. `ret` takes ENDPOINT_ADDRS. */
unsigned inside_recall(const struct inside_memory *memory, const char *domain, const char *proxy,
		       uint64_t now, struct addr *ret);
