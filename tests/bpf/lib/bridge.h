/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plane alone: a thread that forwards between pairs of sockets, as a
 * worker of the proxy does, without names and tokens around it.
 */
#pragma once

#include "user/plane/sockmap/kernel.h"
#include "user/plane/stream.h"

#include <stdbool.h>

struct bridge;

struct bridge_options {
	struct plane_settings plane;
	bool no_trimming;
	uint32_t connections; /* 0: 256 */
};

/* One pair's end, and what its two flows have counted. */
struct bridge_result {
	enum stream_end_reason reason;
	uint64_t bytes[2], kernel_bytes[2];
	uint32_t spills[2], switches[2], overlaps[2];
	uint64_t unread[2]; /* passed by the program, not yet received */
	uint64_t read[2];   /* received by user space */
	bool used_sockmap, used_splice;
};

/* Opens the BPF object where the settings want it. NULL, and the reason on standard error. */
struct bridge *bridge_new(const struct bridge_options *options);
/* Ends the thread; streams that are open are reset. */
void bridge_free(struct bridge *bridge);

/* Forward between two connected sockets; takes both. Returns the pair's number. */
int bridge_add(struct bridge *bridge, int outside, int inside);
/* Wait until the pair has ended, at most `seconds` of a quiet machine; false: it has not. */
bool bridge_wait(struct bridge *bridge, int pair, double seconds, struct bridge_result *ret);
/* The same numbers now, of a pair that still runs. */
void bridge_look(struct bridge *bridge, int pair, struct bridge_result *ret);

/* Of its pairs, those that have not ended. */
unsigned bridge_running(struct bridge *bridge);

/* CPU time that the thread has used, ns. */
uint64_t bridge_cpu(struct bridge *bridge);
/* Entries in the two hash maps now. */
unsigned bridge_map_entries(struct bridge *bridge);
