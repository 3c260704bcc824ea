/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many connections should be parked at a public proxy. When more than
 * half of them are taken before they are replaced, twice as many; when for a
 * while never more than a quarter were, half as many. Pure.
 */
#pragma once

#include <stdbool.h>

struct demand {
	unsigned min, max;
	unsigned target;  /* this many should wait */
	unsigned waiting; /* this many do; more, after a busier time */
	unsigned lowest;  /* of `waiting`, since the last demand_calm() */
};

void demand_init(struct demand *demand, unsigned min, unsigned max);
void demand_came(struct demand *demand); /* one more waits */
void demand_lost(struct demand *demand); /* one that waited has ended unused */
/* One that waited was used. True: the target has grown. */
bool demand_taken(struct demand *demand);
/* Call it now and then, at the end of each period that is looked at. True: the target is above
 * the least, so go on. */
bool demand_calm(struct demand *demand);
