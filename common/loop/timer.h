/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers of one thread: an intrusive pairing heap, so that arming needs no
 * memory and cannot fail. Times are CLOCK_MONOTONIC nanoseconds.
 */
#pragma once

#include "common/base/clock.h"

#include <stdbool.h>
#include <stdint.h>

struct timer {
	uint64_t due;
	void (*fire)(struct timer *timer); /* may arm the timer again, or free what holds it */
	struct timer *child, *next,
		*prev; /* prev: the left sibling, or the parent of a first child */
	bool armed;
};

struct timers {
	struct timer *root;
};

/* Arm, or move an armed one. */
void timer_arm(struct timers *timers, struct timer *timer, uint64_t due);
void timer_disarm(struct timers *timers, struct timer *timer); /* takes one that is not armed */

/* Nanoseconds until the first one is due, 0 if it is over-due, -1 if none is armed. */
int64_t timers_next(const struct timers *timers, uint64_t now);

/* Disarm and fire everything that is due at `now`. */
void timers_run(struct timers *timers, uint64_t now);
