/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers that are kept: for as long as they are valid, and beyond that for want of better ones. */
#pragma once

#include "common/base/addr.h"
#include "common/base/table.h"

#include <sys/queue.h>

struct answer {
	struct table_link link;
	TAILQ_ENTRY(answer) entry;
	uint64_t asked;   /* when, as clock_now() tells */
	uint64_t expires; /* the same */
	uint64_t ends;    /* it is of no use at all any more */
	bool from_hosts;  /* of a file: it changes when the file does */
	bool refused;     /* nobody at these addresses takes a connection */
	int n;            /* addresses, or a negative errno */
	char *host, *reason;
	struct addr addrs[];
};

struct cache {
	struct table table;
	TAILQ_HEAD(, answer) list; /* the one that was put first goes first */
	unsigned n, max;
};

void cache_init(struct cache *cache, unsigned max);
void cache_clear(struct cache *cache); /* empty, then as after cache_init() */
/* What is there counts as expired, but stays as what there is for want of better. */
void cache_expire(struct cache *cache);

/* Valid or not; NULL: nothing is there. */
struct answer *cache_find(const struct cache *cache, const char *host);
/*
 * Replaces what is there. `n` addresses, or a negative errno and `reason`.
 * NULL: no memory, and nothing has changed.
 */
struct answer *cache_put(struct cache *cache, const char *host, int n, const struct addr *addrs,
			 const char *reason);
