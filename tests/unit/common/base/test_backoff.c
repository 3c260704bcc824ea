// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <limits.h>

#define DRAWS 1000

/* Every draw lies between a half of `longest` and `longest`, and they spread over that range. */
static void lies_below(int64_t min, int64_t max, unsigned failures, int64_t longest)
{
	int64_t least = INT64_MAX, most = 0;

	for (unsigned i = 0; i < DRAWS; i++) {
		int64_t ms = backoff_ms(min, max, failures);
		least = ms < least ? ms : least;
		most = ms > most ? ms : most;
	}
	assert_in_range(least, longest / 2, longest * 6 / 10);
	assert_in_range(most, longest * 9 / 10, longest);
}

static void doubles_with_each_failure(void **state)
{
	(void)state;
	lies_below(200, 30000, 1, 200);
	lies_below(200, 30000, 2, 400);
	lies_below(200, 30000, 3, 800);
	lies_below(200, 30000, 8, 25600);
}

static void ends_at_the_longest(void **state)
{
	(void)state;
	lies_below(200, 30000, 9, 30000);
	lies_below(200, 30000, 100, 30000);
	lies_below(200, 30000, UINT_MAX, 30000);
	lies_below(200, 1000, 4, 1000);
	lies_below(2000, 1000, 1, 1000);
}

static void none_counts_as_one(void **state)
{
	(void)state;
	lies_below(200, 30000, 0, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubles_with_each_failure),
		cmocka_unit_test(ends_at_the_longest),
		cmocka_unit_test(none_counts_as_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
