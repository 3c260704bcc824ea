/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the machine is: how busy its processors are, and whether TCP runs out of
 * memory. Looked at only when bytes move: the processors at most ten times a
 * second, memory every 2 ms or, when it gets scarce, each time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct load_watch {
	uint64_t read_at; /* ns; 0: never */
	double up, idle;  /* of /proc/uptime then, s */
	int percent;

	uint64_t memory_read_at; /* ns; 0: never */
	bool memory_short;
	bool memory_half; /* of what makes it short is in use */
};

/*
 * How much of all processors' time was used, by whatever, since they were last
 * looked at: 0 to 100. `now`: CLOCK_MONOTONIC, ns. LOAD_UNKNOWN when that was
 * too long ago to tell anything about now.
 */
#define LOAD_UNKNOWN (-1)
int load_percent(struct load_watch *watch, uint64_t now);

/*
 * Whether TCP's memory has passed the first of the three marks of
 * net.ipv4.tcp_mem; the answer is at most 2 ms old. From the second mark on the
 * kernel is under pressure, until it is below the first again, and then a
 * socket that holds unread passed bytes is a danger (docs/kernel.md, "TCP
 * memory"). False where it cannot be read.
 */
bool tcp_memory_is_short(struct load_watch *watch, uint64_t now);

/*
 * The same for who is about to write to such a socket, and must not rely on an
 * answer that is 2 ms old: once half of the first mark is in use, it is looked
 * up at each call.
 */
bool tcp_memory_is_short_now(struct load_watch *watch, uint64_t now);
