/* SPDX-License-Identifier: BSD-2-Clause */
/* One stream whose plane runs in the test's own thread, turn by turn, so that the test can look in
 * between. */
#pragma once

#include "user/plane/path.h"
#include "user/plane/sockmap/kernel.h"

struct stage {
	struct timers timers;
	struct plane_settings settings;
	struct kernel *kernel; /* NULL: not for this forwarding */
	struct paths paths;
	struct plane plane;
	struct stream stream;
	int far[2];
	bool ended;
	enum stream_end_reason reason;
};

/* Two connections on loopback, and the stream between them begun. */
void stage_open(struct stage *stage, enum stream_forwarding forwarding, uint32_t memory);
/* The same with another table of paths, none of which is prepared. */
void stage_open_paths(struct stage *stage, enum stream_forwarding forwarding, uint32_t memory,
		      const struct path_entry *table);
/* The same with two sockets that are connected already, to far[0] and far[1]; takes all four. */
void stage_open_sockets(struct stage *stage, const int near[2], const int far[2]);
void stage_close(struct stage *stage);

/* What is ready, or 10 ms. */
void stage_turn(struct stage *stage);
