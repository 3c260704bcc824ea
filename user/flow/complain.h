/* SPDX-License-Identifier: BSD-2-Clause */
/* Warnings that a stranger can cause at will: of each kind, one line a second is enough to tell. */
#pragma once

#include "common/base/addr.h"
#include "common/loop/timer.h"
#include "user/flow/counters.h"

#include <stdint.h>

/* Of one worker. */
struct complaints {
	struct timers *timers;
	struct counters *counters; /* where each is counted */
	struct complaint_count {
		struct complaints *all;
		struct timer timer; /* armed: one was logged less than a second ago */
		uint32_t unsaid;    /* since then */
	} counts[COMPLAINTS];
};

void complaints_init(struct complaints *complaints, struct timers *timers,
		     struct counters *counters);

/* Log, or count for a line at the end of the second. `who`: address or name, or NULL. */
void complain(struct complaints *complaints, enum complaint kind, const char *who);
void complain_of(struct complaints *complaints, enum complaint kind, const struct addr *who);
