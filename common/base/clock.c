// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/clock.h"

#include <time.h>

uint64_t clock_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

int64_t clock_now_ms(void)
{
	return (int64_t)(clock_now() / NS_PER_MS);
}
