/* SPDX-License-Identifier: BSD-2-Clause */
/* Warnings that a stranger can cause at will: of each kind, one line a second is enough to tell. */
#pragma once

#include "common/base/addr.h"
#include "common/loop/timer.h"

#include <stdint.h>

enum complaint {
	COMPLAINT_HALF_OPEN,
	COMPLAINT_HALF_OPEN_SOURCE,
	COMPLAINT_CONNECTIONS,
	COMPLAINT_RATE,
	COMPLAINT_DIAL_BACKS,
	COMPLAINT_TOKEN_SHORT,
	COMPLAINT_TOKEN_SLOW,
	COMPLAINT_TOKEN_WRONG,
	COMPLAINT_NO_ROOM_TO_PARK,
	COMPLAINT_MEMORY,
	COMPLAINTS,
};

/* Of one worker. */
struct complaints {
	struct timers *timers;
	struct complaint_count {
		struct complaints *all;
		struct timer timer; /* armed: one was logged less than a second ago */
		uint32_t unsaid;    /* since then */
	} counts[COMPLAINTS];
};

void complaints_init(struct complaints *complaints, struct timers *timers);

/* Log, or count for a line at the end of the second. `who`: address or name, or NULL. */
void complain(struct complaints *complaints, enum complaint kind, const char *who);
void complain_of(struct complaints *complaints, enum complaint kind, const struct addr *who);
