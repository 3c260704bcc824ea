/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How slow the machine is: the suite in emulated guests sets
 * PASSAGE_TEST_SCALE, and tests with much data then move less of it. What a
 * test has to have met to prove something is scaled with it, never dropped.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

uint64_t scaled(uint64_t amount); /* divided, but never 0 */
bool is_scaled(void);
