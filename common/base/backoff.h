/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long to wait after failures in a row. Pure but for the jitter, which
 * keeps many that have failed together from coming back in step.
 */
#pragma once

#include <stdint.h>

/*
 * `min` after the first failure, twice as long after each further one, `max`
 * at the most; shortened at random by up to a half. 0 failures count as one.
 */
int64_t backoff_ms(int64_t min, int64_t max, unsigned failures);
