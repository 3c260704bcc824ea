// SPDX-License-Identifier: BSD-2-Clause
#include "tests/bpf/lib/scale.h"

#include <stdlib.h>

static unsigned long divisor(void)
{
	const char *text = getenv("PASSAGE_TEST_SCALE");
	unsigned long n = text ? strtoul(text, NULL, 10) : 1;

	return n ? n : 1;
}

#define LEAST_PATIENCE 4 /* tests/patience.py */

static double patience_factor(void)
{
	const char *text = getenv("PASSAGE_TEST_PATIENCE");
	double factor = text ? strtod(text, NULL) : 0;

	return factor > LEAST_PATIENCE ? factor : LEAST_PATIENCE;
}

uint64_t patience(uint64_t time)
{
	return (uint64_t)((double)time * patience_factor());
}

uint64_t longer(uint64_t time)
{
	return (uint64_t)((double)time * (patience_factor() / LEAST_PATIENCE));
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
