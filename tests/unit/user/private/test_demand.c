// SPDX-License-Identifier: BSD-2-Clause
#include "user/private/demand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct demand demand;

static void fill(void)
{
	while (demand.waiting < demand.target)
		demand_came(&demand);
}

static int start(void **state)
{
	(void)state;
	demand_init(&demand, 4, 10);
	assert_int_equal(demand.target, 4);
	fill();
	return demand_calm(&demand);
}

static void grows_when_more_than_half_is_gone(void **state)
{
	(void)state;
	assert_false(demand_taken(&demand));
	assert_false(demand_taken(&demand));
	assert_true(demand_taken(&demand));
	assert_int_equal(demand.target, 8);
	assert_int_equal(demand.waiting, 1);
	assert_true(demand_taken(&demand));
	assert_int_equal(demand.target, 10); /* the most */
	fill();
	for (unsigned i = 0; i < 10; i++)
		assert_false(demand_taken(&demand));
	assert_int_equal(demand.target, 10);
}

static void what_is_lost_is_no_demand(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++)
		demand_lost(&demand);
	assert_int_equal(demand.waiting, 0);
	assert_int_equal(demand.target, 4);
}

static void shrinks_after_a_calm_period(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		demand_taken(&demand);
	fill();
	assert_true(demand_calm(&demand)); /* it was busy */
	assert_int_equal(demand.target, 8);
	for (unsigned i = 0; i < 3; i++)
		demand_taken(&demand);
	fill();
	assert_true(demand_calm(&demand)); /* three of eight are more than a quarter */
	assert_int_equal(demand.target, 8);
	for (unsigned i = 0; i < 100; i++) {
		demand_taken(&demand);
		demand_taken(&demand);
		fill();
	}
	assert_false(demand_calm(&demand)); /* never more than two at once */
	assert_int_equal(demand.target, 4);
	assert_int_equal(demand.waiting, 8); /* the surplus stays, and is used first */
	demand_taken(&demand);
	assert_false(demand_calm(&demand));
	assert_int_equal(demand.target, 4);
}

#define TEST(function) cmocka_unit_test_setup(function, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(grows_when_more_than_half_is_gone),
		TEST(what_is_lost_is_no_demand),
		TEST(shrinks_after_a_calm_period),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
