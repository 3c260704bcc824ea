// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/complain.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/loop/watch.h"

#include <stddef.h>

static const char *const texts[COMPLAINTS] = {
	[COMPLAINT_HALF_OPEN] =
		"closed a connection at once: too many without a ClientHello (limits.half_open)",
	[COMPLAINT_HALF_OPEN_SOURCE] =
		"closed a connection at once: its source has too many without a ClientHello "
		"(limits.half_open_per_source)",
	[COMPLAINT_CONNECTIONS] =
		"closed a connection at once: too many are open (limits.connections)",
	[COMPLAINT_RATE] = "closed a connection at once: more than the rate limits let in",
	[COMPLAINT_DIAL_BACKS] =
		"closed a dial-back at once: too many without a token (limits.dial_backs)",
	[COMPLAINT_TOKEN_SHORT] = "a dial-back ended before its token was complete",
	[COMPLAINT_TOKEN_SLOW] = "a dial-back showed no token in time (limits.token_timeout)",
	[COMPLAINT_TOKEN_WRONG] =
		"a dial-back showed a token that is wrong, late, or used: reset it",
	[COMPLAINT_NO_ROOM_TO_PARK] =
		"no room for a connection that is dialled ahead (limits.parked, "
		"limits.parked_per_operator)",
	[COMPLAINT_MEMORY] = "closed a connection: out of memory",
};

static void on_second_over(struct timer *timer)
{
	struct complaint_count *count = container_of(timer, struct complaint_count, timer);
	struct complaints *complaints = count->all;

	if (count->unsaid == 0)
		return;
	log_warn("%s (%u more times in a second)", texts[count - complaints->counts],
		 count->unsaid);
	count->unsaid = 0;
	timer_arm(complaints->timers, timer, clock_now() + NS_PER_S);
}

void complaints_init(struct complaints *complaints, struct timers *timers,
		     struct counters *counters)
{
	*complaints = (struct complaints){.timers = timers, .counters = counters};
	for (int i = 0; i < COMPLAINTS; i++) {
		complaints->counts[i].all = complaints;
		complaints->counts[i].timer.fire = on_second_over;
	}
}

void complain(struct complaints *complaints, enum complaint kind, const char *who)
{
	struct complaint_count *count = &complaints->counts[kind];

	counters_add(complaints->counters, COUNTER_COMPLAINTS + kind, 1);
	if (count->timer.armed) {
		count->unsaid++;
		return;
	}
	log_warn("%s%s%s", who ? who : "", who ? ": " : "", texts[kind]);
	timer_arm(complaints->timers, &count->timer, clock_now() + NS_PER_S);
}

void complain_of(struct complaints *complaints, enum complaint kind, const struct addr *who)
{
	char text[ADDR_TEXT_MAX];

	addr_format(who, text);
	complain(complaints, kind, text);
}
