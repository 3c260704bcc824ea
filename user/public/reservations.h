/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many tokens for parked connections are out, by operator and in all: so
 * many may be that were neither shown nor have run out. Pure but for memory.
 */
#pragma once

#include <stdint.h>

struct reservations_limits {
	int64_t valid_ms; /* how long a token counts unless it is shown before */
	unsigned total;
	unsigned per_operator;
};

struct reservations;

/* NULL: out of memory. */
struct reservations *reservations_new(const struct reservations_limits *limits);
void reservations_free(struct reservations *all); /* takes NULL */

/*
 * Up to `wanted` tokens for the operator `name`, counted from now on. Returns how
 * many may be given: fewer, or none, at the limits or without memory. `now`:
 * ms of a clock that does not jump.
 */
unsigned reservations_take(struct reservations *all, const char *name, unsigned wanted,
			   int64_t now);
/* One of the tokens of the operator `name` was shown. */
void reservations_shown(struct reservations *all, const char *name);
