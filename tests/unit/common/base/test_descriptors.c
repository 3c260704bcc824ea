// SPDX-License-Identifier: BSD-2-Clause
/* The soft limit goes up to the hard one, and only when it is asked to. */
#include "common/base/descriptors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>

#include <cmocka.h>

static void set_soft(rlim_t soft)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = soft;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void raised_to_the_hard_limit(void **state)
{
	struct rlimit limit;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	set_soft(64);
	assert_int_equal(descriptors_limit(), 64);
	descriptors_raise();
	assert_int_equal(descriptors_limit(), limit.rlim_max);
	descriptors_raise();
	assert_int_equal(descriptors_limit(), limit.rlim_max);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(raised_to_the_hard_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
