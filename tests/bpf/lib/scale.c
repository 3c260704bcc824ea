// SPDX-License-Identifier: BSD-2-Clause
#include "tests/bpf/lib/scale.h"

#include <stdlib.h>

static unsigned long divisor(void)
{
	const char *text = getenv("PASSAGE_TEST_SCALE");
	unsigned long n = text ? strtoul(text, NULL, 10) : 1;

	return n ? n : 1;
}

uint64_t scaled(uint64_t amount)
{
	uint64_t part = amount / divisor();

	return part ? part : 1;
}

bool is_scaled(void)
{
	return divisor() > 1;
}
