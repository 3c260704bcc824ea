// SPDX-License-Identifier: BSD-2-Clause
/* What the end of an attempt, or of a connection, means for the next attempt. */
#include "tests/unit/user/private/fixture.h"
#include "user/private/lot.h"

static struct lot *lot;

static int start_lot(void **state)
{
	if (start(state) < 0)
		return -1;
	/* So long that the time which the test takes does not matter. */
	keeper->settings.backoff_min = 40000;
	keeper->settings.backoff_max = 160000;
	keeper->settings.refused = 400000;
	return lot_new(keeper, "pub", &lot);
}

static int end_lot(void **state)
{
	lot_free(lot);
	return end(state);
}

/* libevent counts in ticks of the kernel's, and knows the time of day as it was a while ago. */
#define SLACK 1000

/* ms until the lot looks for what is missing, -1: it does not by itself. */
static long waits(void)
{
	struct timeval due, now;

	if (!evtimer_pending(lot->timer, &due))
		return -1;
	evutil_gettimeofday(&now, NULL);
	return (due.tv_sec - now.tv_sec) * 1000 + (due.tv_usec - now.tv_usec) / 1000;
}

/* As reserve_begin() has it while its call is under way. */
static void ask_for(unsigned n)
{
	event_del(lot->timer);
	lot->asked = n;
}

static void what_waits_and_what_is_under_way_is_not_missing(void **state)
{
	(void)state;
	assert_int_equal(lot_missing(lot), 4);
	lot_came(lot, 0, 1);
	assert_int_equal(lot_missing(lot), 3);
	lot->dialled = 1;
	ask_for(2);
	assert_int_equal(lot_missing(lot), 0);
	lot_succeeded(lot, 2);
	lot->dialled = 3;
	lot_came(lot, 1, 2);
	assert_int_equal(lot->dialled, 2);
	assert_int_equal(lot_missing(lot), 0);
	lot_taken(lot, 1, 2);
	lot_taken(lot, 1, 2); /* it is no more */
	assert_int_equal(lot->demand.waiting, 1);
	/* One is left, so twice as many are wanted; two are under way. */
	assert_int_equal(lot_missing(lot), 5);
}

static void an_attempt_that_brings_less_is_followed_later(void **state)
{
	(void)state;
	ask_for(4);
	lot->dialled = 4;
	lot_succeeded(lot, 4);
	assert_int_equal(waits(), -1);
	lot->dialled = 0;
	ask_for(4);
	lot->dialled = 1;
	lot_succeeded(lot, 1);
	assert_in_range(waits(), 15000, 40000 + SLACK);
}

static void failures_double_the_wait(void **state)
{
	(void)state;
	for (long longest = 40000; longest <= 160000; longest *= 2) {
		ask_for(4);
		if (longest == 80000)
			lot_full(lot);
		else
			lot_failed(lot, "no way");
		assert_in_range(waits(), longest / 2 - 5000, longest + SLACK);
		assert_int_equal(lot->asked, 0);
	}
	assert_string_equal(lot->remote.problem, "no way");
	ask_for(4);
	lot_succeeded(lot, 1);
	assert_null(lot->remote.problem);
	ask_for(4);
	lot_failed(lot, "no way");
	assert_in_range(waits(), 15000, 40000 + SLACK);
}

/* Announcements that are accepted now change a 404, but no 403. */
static void only_what_can_change_is_asked_again_at_once(void **state)
{
	(void)state;
	ask_for(4);
	lot_refused(lot, "404", false);
	assert_in_range(waits(), 390000, 400000 + SLACK);
	lot_accepted(lot);
	assert_true(waits() <= SLACK);
	ask_for(4);
	lot_refused(lot, "403", true);
	lot_accepted(lot);
	assert_in_range(waits(), 390000, 400000 + SLACK);
}

static void what_the_directory_told_is_forgotten_after_a_failure(void **state)
{
	(void)state;
	lot->directory = json_object();
	lot->fresh = true;
	ask_for(4);
	lot_failed(lot, "no way");
	assert_null(lot->directory);
	assert_false(lot->fresh);
}

#define LOT_TEST(function) cmocka_unit_test_setup_teardown(function, start_lot, end_lot)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOT_TEST(what_waits_and_what_is_under_way_is_not_missing),
		LOT_TEST(an_attempt_that_brings_less_is_followed_later),
		LOT_TEST(failures_double_the_wait),
		LOT_TEST(only_what_can_change_is_asked_again_at_once),
		LOT_TEST(what_the_directory_told_is_forgotten_after_a_failure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
