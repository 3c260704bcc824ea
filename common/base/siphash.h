/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash for tables whose
 * keys strangers choose, so that they cannot choose them to collide.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t k0, k1;
};

/* A random key. Falls back to the clock and an address while the kernel has no entropy yet. */
void siphash_key_new(struct siphash_key *ret);
uint64_t siphash(const struct siphash_key *key, const void *data, size_t length);
