/* SPDX-License-Identifier: BSD-2-Clause */
/* The one monotonic clock: for time-outs and intervals. Times that people read are timestamp.h's.
 */
#pragma once

#include <stdint.h>

#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull

/* CLOCK_MONOTONIC, ns. Never fails. */
uint64_t clock_now(void);
/* The same in ms; signed, as differences may be negative. */
int64_t clock_now_ms(void);
