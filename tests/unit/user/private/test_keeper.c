// SPDX-License-Identifier: BSD-2-Clause
/* Parked connections from the side that keeps them: how many, and when they are replaced. */
#include "tests/unit/user/private/fixture.h"

static void the_least_is_kept(void **state)
{
	(void)state;
	no_call_within(50); /* nothing is accepted there yet */
	fill();
	no_call_within(200);
	keeper_accepted("pub", keeper); /* once more */
	no_call_within(50);
	assert_int_equal(keeper_target(keeper, "pub"), 4);
}

static void what_is_taken_is_replaced_in_one_call(void **state)
{
	(void)state;
	fill();
	report(PARKED_TAKEN, 2);
	report(PARKED_TAKEN, 0);
	assert_int_equal(n_fake_requests, 0); /* not before the turn is over */
	call_at_once();
	report(PARKED_TAKEN, 2);              /* it is no more */
	report(PARKED_TAKEN, 1);              /* one is left: twice as many from now on */
	assert_int_equal(n_fake_requests, 1); /* one call at a time */
	give(2, 2, "127.0.0.1:9999");
	dialled(2, PARKED_WAITING);
	call_at_once();
	assert_int_equal(keeper_target(keeper, "pub"), 8);
	give(5, 5, "127.0.0.1:9999");
	dialled(5, PARKED_WAITING);
	assert_int_equal(keeper_waiting(keeper, "pub"), 8);
	no_call_within(20);
}

static void the_target_follows_the_demand_to_its_bounds(void **state)
{
	(void)state;
	fill();
	for (unsigned i = 0; i < 4; i++)
		report(PARKED_TAKEN, i);
	assert_int_equal(keeper_target(keeper, "pub"), 16);
	wait_for_call();
	give(16, 16, "127.0.0.1:9999");
	dialled(16, PARKED_WAITING);
	no_call_within(500); /* calm: the surplus stays */
	assert_int_equal(keeper_target(keeper, "pub"), 4);
	assert_int_equal(keeper_waiting(keeper, "pub"), 16);
	for (uint64_t i = 4; i < 16; i++)
		report(PARKED_TAKEN, i);
	no_call_within(20); /* four are left */
	report(PARKED_TAKEN, 16);
	wait_for_call();
	give(1, 1, "127.0.0.1:9999");
	dialled(1, PARKED_WAITING);
}

/* A public proxy that closes at once cannot make us spin. */
static void those_that_do_not_last_are_replaced_more_slowly(void **state)
{
	static const int least[] = {20, 40, 80, 80}, most[] = {40, 80, 160, 160};

	(void)state;
	fill();
	for (uint64_t i = 0; i < 4; i++)
		report(PARKED_LOST, i); /* together they count once */
	assert_int_equal(keeper_waiting(keeper, "pub"), 0);
	for (unsigned i = 0; i < 4; i++) {
		int64_t waited = wait_for_call();
		assert_true(waited >= least[i] - 2);
		assert_true(waited <= most[i] + 140);
		give(4, 4, "127.0.0.1:9999");
		dialled(4, PARKED_LOST); /* never connected */
	}
	wait_for_call();
	give(4, 4, "127.0.0.1:9999");
	dialled(4, PARKED_WAITING);
	assert_int_equal(keeper_target(keeper, "pub"), 4);
	report(PARKED_TAKEN, next_connection - 1); /* it works again */
	call_at_once();
	give(1, 1, "127.0.0.1:9999");
	dialled(1, PARKED_WAITING);
}

static void those_that_have_waited_long_are_renewed_at_once(void **state)
{
	(void)state;
	fill();
	no_call_within(110);
	report(PARKED_LOST, 1);
	report(PARKED_LOST, 3);
	call_at_once();
	give(2, 2, "127.0.0.1:9999");
	dialled(2, PARKED_WAITING);
	no_call_within(20);
}

static void nothing_is_dialled_after_the_end(void **state)
{
	(void)state;
	fill();
	report(PARKED_TAKEN, 0);
	wait_for_call();
	report(PARKED_TAKEN, 1);
	keeper_stop(keeper);
	give(1, 1, "127.0.0.1:9999");
	report(PARKED_LOST, 2);
	report(PARKED_LOST, 3);
	keeper_accepted("pub", keeper);
	keeper_accepted("pub-2", keeper);
	no_call_within(100);
	assert_int_equal(keeper_waiting(keeper, "pub"), 0);
}

static int start_without(void **state)
{
	(void)state;
	return start_with(4, 0);
}

static void it_can_be_turned_off(void **state)
{
	(void)state;
	keeper_accepted("pub", keeper);
	no_call_within(50);
	report(PARKED_WAITING, 0);
	assert_int_equal(keeper_waiting(keeper, "pub"), 0);
}

static int start_many(void **state)
{
	(void)state;
	return start_with(100, 100);
}

static void one_call_asks_for_64_at_most(void **state)
{
	(void)state;
	keeper_accepted("pub", keeper);
	wait_for_call();
	give(64, 64, "127.0.0.1:9999");
	dialled(64, PARKED_WAITING);
	call_at_once();
	give(36, 36, "127.0.0.1:9999");
	dialled(36, PARKED_WAITING);
	assert_int_equal(keeper_waiting(keeper, "pub"), 100);
	report(PARKED_WAITING, 1000); /* nobody asked for it */
	assert_int_equal(keeper_waiting(keeper, "pub"), 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_least_is_kept),
		TEST(what_is_taken_is_replaced_in_one_call),
		TEST(the_target_follows_the_demand_to_its_bounds),
		TEST(those_that_do_not_last_are_replaced_more_slowly),
		TEST(those_that_have_waited_long_are_renewed_at_once),
		TEST(nothing_is_dialled_after_the_end),
		cmocka_unit_test_setup_teardown(it_can_be_turned_off, start_without, end),
		cmocka_unit_test_setup_teardown(one_call_asks_for_64_at_most, start_many, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
