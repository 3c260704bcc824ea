/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the machine is: whether all cores are busy, and whether TCP runs out of
 * memory. Looked at only when bytes move, and then at most a few times a
 * second.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct load_watch {
	uint64_t read_at; /* ns; 0: never */
	double up, idle;  /* of /proc/uptime then, s */
	bool busy;

	uint64_t memory_read_at; /* ns; 0: never */
	bool memory_short;
	bool memory_half; /* of what makes it short is in use */
};

/* `now`: CLOCK_MONOTONIC, ns. False while it is not known. */
bool load_is_high(struct load_watch *watch, uint64_t now);

/*
 * Whether TCP's memory has passed the first of the three marks of
 * net.ipv4.tcp_mem. A socket that holds passed bytes is charged in a way that a
 * kernel does not survive which is short of memory: from the second mark on,
 * and until it is below the first again (docs/kernel.md, "TCP memory"). False
 * where it cannot be read.
 */
bool tcp_memory_is_short(struct load_watch *watch, uint64_t now);

/*
 * For whom an answer of 2 ms ago may be wrong: from half of that mark on, look
 * each time.
 */
bool tcp_memory_is_short_now(struct load_watch *watch, uint64_t now);
