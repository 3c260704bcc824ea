// SPDX-License-Identifier: BSD-2-Clause
#include "user/public/reservations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct reservations *all;

static int start(void **state)
{
	const struct reservations_limits limits = {
		.valid_ms = 1000, .total = 10, .per_operator = 6};

	(void)state;
	all = reservations_new(&limits);
	return !all;
}

static int end(void **state)
{
	(void)state;
	reservations_free(all);
	reservations_free(NULL);
	return 0;
}

static void both_limits_hold(void **state)
{
	(void)state;
	assert_int_equal(reservations_take(all, "a", 4, 0), 4);
	assert_int_equal(reservations_take(all, "a", 4, 0), 2);
	assert_int_equal(reservations_take(all, "a", 4, 0), 0);
	assert_int_equal(reservations_take(all, "b", 6, 0), 4);
	assert_int_equal(reservations_take(all, "c", 1, 0), 0);
}

static void those_that_ran_out_count_no_more(void **state)
{
	(void)state;
	assert_int_equal(reservations_take(all, "a", 4, 0), 4);
	assert_int_equal(reservations_take(all, "a", 4, 500), 2);
	assert_int_equal(reservations_take(all, "a", 4, 999), 0);
	assert_int_equal(reservations_take(all, "a", 9, 1000), 4);
	assert_int_equal(reservations_take(all, "a", 9, 1500), 2);
	assert_int_equal(reservations_take(all, "b", 9, 5000), 6);
}

static void those_that_were_shown_count_no_more(void **state)
{
	(void)state;
	assert_int_equal(reservations_take(all, "a", 4, 0), 4);
	assert_int_equal(reservations_take(all, "b", 6, 100), 6);
	reservations_shown(all, "a");
	assert_int_equal(reservations_take(all, "c", 5, 100), 1);
	for (unsigned i = 0; i < 9; i++)
		reservations_shown(all, "a"); /* more often than it has any */
	reservations_shown(all, "nobody");
	assert_int_equal(reservations_take(all, "a", 9, 100), 3);
	/* The oldest go first: what is left of "a" runs out at 1100. */
	reservations_shown(all, "a");
	assert_int_equal(reservations_take(all, "a", 9, 1099), 1);
	assert_int_equal(reservations_take(all, "a", 9, 1100), 5);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(both_limits_hold),
		TEST(those_that_ran_out_count_no_more),
		TEST(those_that_were_shown_count_no_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
