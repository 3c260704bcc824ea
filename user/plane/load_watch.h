/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether all cores are busy. Looked at only when bytes move, and then at most
 * a few times a second.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct load_watch {
	uint64_t read_at; /* ns; 0: never */
	double up, idle;  /* of /proc/uptime then, s */
	bool busy;
};

/* `now`: CLOCK_MONOTONIC, ns. False while it is not known. */
bool load_is_high(struct load_watch *watch, uint64_t now);
