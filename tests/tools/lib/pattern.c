/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/tools/lib/pattern.h"

#include <endian.h>
#include <string.h>

static uint64_t word(uint64_t offset, uint64_t seed)
{
	return htobe64(offset ^ (seed * 0x9e3779b97f4a7c15ULL));
}

void pattern_fill(uint8_t *buf, size_t n, uint64_t offset, uint64_t seed)
{
	while (n) {
		uint64_t w = word(offset & ~7ULL, seed);
		size_t skip = offset & 7;
		size_t take = sizeof(w) - skip < n ? sizeof(w) - skip : n;

		memcpy(buf, (uint8_t *)&w + skip, take);
		buf += take;
		offset += take;
		n -= take;
	}
}

uint64_t pattern_check(const uint8_t *buf, size_t n, uint64_t offset, uint64_t seed)
{
	while (n) {
		uint64_t w = word(offset & ~7ULL, seed);
		size_t skip = offset & 7;
		size_t take = sizeof(w) - skip < n ? sizeof(w) - skip : n;

		if (memcmp(buf, (uint8_t *)&w + skip, take) != 0) {
			size_t i = 0;

			while (buf[i] == ((uint8_t *)&w)[skip + i])
				i++;
			return offset + i;
		}
		buf += take;
		offset += take;
		n -= take;
	}
	return PATTERN_GOOD;
}
