/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How slow the machine is: the suite in emulated guests sets
 * PASSAGE_TEST_SCALE, and tests with much data then move less of it. What a
 * test has to have met to prove something is scaled with it, never dropped.
 * PASSAGE_TEST_PATIENCE, of tests/run, is by how much longer than on a quiet
 * machine to wait before something is taken for hung (tests/patience.py).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

uint64_t scaled(uint64_t amount); /* divided, but never 0 */
bool is_scaled(void);

/* A limit that only a test which hangs reaches, in whatever unit: for a quiet machine. */
uint64_t patience(uint64_t time);
/* A time-out of the plane that a test awaits, or must stay below by what it does meanwhile. */
uint64_t longer(uint64_t time);
