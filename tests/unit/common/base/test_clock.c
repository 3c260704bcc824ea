// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void never_goes_back(void **state)
{
	uint64_t before = clock_now();

	(void)state;
	assert_true(before > 0);
	for (int i = 0; i < 10000; i++) {
		uint64_t now = clock_now();

		assert_true(now >= before);
		before = now;
	}
}

static void counts_the_same_in_ms(void **state)
{
	int64_t before = (int64_t)(clock_now() / NS_PER_MS);
	int64_t ms = clock_now_ms();
	int64_t after = (int64_t)(clock_now() / NS_PER_MS);

	(void)state;
	assert_true(before <= ms && ms <= after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_goes_back),
		cmocka_unit_test(counts_the_same_in_ms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
