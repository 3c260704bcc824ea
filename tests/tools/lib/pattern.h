/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Content that tells where it belongs: each eight bytes are their own offset,
 * mixed with the stream's seed. A byte that is lost, doubled, moved, or taken
 * from another stream is noticed where it happens.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define PATTERN_GOOD UINT64_MAX

void pattern_fill(uint8_t *buf, size_t n, uint64_t offset, uint64_t seed);

/* The offset in the stream of the first byte that is wrong, or PATTERN_GOOD. */
uint64_t pattern_check(const uint8_t *buf, size_t n, uint64_t offset, uint64_t seed);
