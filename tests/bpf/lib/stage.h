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
void stage_close(struct stage *stage);

/* What is ready, or 10 ms. */
void stage_turn(struct stage *stage);
