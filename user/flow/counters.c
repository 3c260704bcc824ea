// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/counters.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const names[COUNTER_ENDED] = {
	[COUNTER_ACCEPTED] = "accepted",
	[COUNTER_HELLOS] = "hellos",
	[COUNTER_NOTICES] = "notices",
	[COUNTER_BY_PARKED] = "by_parked",
	[COUNTER_BY_LENT] = "by_lent",
	[COUNTER_BY_RENDEZVOUS] = "by_rendezvous",
	[COUNTER_DIAL_BACKS] = "dial_backs",
	[COUNTER_PARKED] = "parked",
	[COUNTER_DIALS] = "dials",
	[COUNTER_DIALS_AHEAD] = "dials_ahead",
	[COUNTER_TAKEN] = "taken",
	[COUNTER_PAIRED] = "paired",
	[COUNTER_BYTES_UP] = "bytes_up",
	[COUNTER_BYTES_DOWN] = "bytes_down",
	[COUNTER_KERNEL_UP] = "kernel_up",
	[COUNTER_KERNEL_DOWN] = "kernel_down",
	[COUNTER_OPEN] = "open",
	[COUNTER_DIAL_BACKS_OPEN] = "dial_backs_open",
	[COUNTER_PARKED_OPEN] = "parked_open",
	[COUNTER_COMPLAINTS + COMPLAINT_HALF_OPEN] = "complaint_half_open",
	[COUNTER_COMPLAINTS + COMPLAINT_HALF_OPEN_SOURCE] = "complaint_half_open_source",
	[COUNTER_COMPLAINTS + COMPLAINT_CONNECTIONS] = "complaint_connections",
	[COUNTER_COMPLAINTS + COMPLAINT_RATE] = "complaint_rate",
	[COUNTER_COMPLAINTS + COMPLAINT_DIAL_BACKS] = "complaint_dial_backs",
	[COUNTER_COMPLAINTS + COMPLAINT_TOKEN_SHORT] = "complaint_token_short",
	[COUNTER_COMPLAINTS + COMPLAINT_TOKEN_SLOW] = "complaint_token_slow",
	[COUNTER_COMPLAINTS + COMPLAINT_TOKEN_WRONG] = "complaint_token_wrong",
	[COUNTER_COMPLAINTS + COMPLAINT_NO_ROOM_TO_PARK] = "complaint_no_room_to_park",
	[COUNTER_COMPLAINTS + COMPLAINT_MEMORY] = "complaint_memory",
};

/* One writer: a plain load and store, where an atomic addition would lock the bus. */
void counters_add(struct counters *counters, unsigned counter, uint64_t n)
{
	_Atomic uint64_t *value = &counters->values[counter];

	atomic_store_explicit(value, atomic_load_explicit(value, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

void counters_sub(struct counters *counters, unsigned counter, uint64_t n)
{
	counters_add(counters, counter, 0 - n);
}

uint64_t counters_get(const struct counters *counters, unsigned counter)
{
	return atomic_load_explicit(&counters->values[counter], memory_order_relaxed);
}

void counter_name(unsigned counter, char ret[COUNTER_NAME_MAX])
{
	if (counter < COUNTER_ENDED)
		snprintf(ret, COUNTER_NAME_MAX, "%s", names[counter]);
	else
		snprintf(ret, COUNTER_NAME_MAX, "ended_%s",
			 ending_name((enum ending)(counter - COUNTER_ENDED)));
}

void counters_format(const struct counters *const *all, unsigned n, char *ret, size_t size)
{
	char name[COUNTER_NAME_MAX];
	size_t length = 0;

	if (size > 0)
		ret[0] = '\0';
	for (unsigned counter = 0; counter < COUNTERS && length < size; counter++) {
		uint64_t sum = 0;

		for (unsigned i = 0; i < n; i++)
			sum += counters_get(all[i], counter);
		if (sum == 0)
			continue;
		counter_name(counter, name);
		length += (size_t)snprintf(ret + length, size - length, "%s%s=%" PRIu64,
					   length > 0 ? " " : "", name, sum);
	}
}
