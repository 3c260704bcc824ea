// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/backoff.h"

#include <event2/util.h>

int64_t backoff_ms(int64_t min, int64_t max, unsigned failures)
{
	int64_t ms = min;
	uint16_t jitter;

	while (failures-- > 1 && ms < max)
		ms *= 2;
	if (ms > max)
		ms = max;
	evutil_secure_rng_get_bytes(&jitter, sizeof(jitter));
	return ms - ms * jitter / (2 * UINT16_MAX);
}
