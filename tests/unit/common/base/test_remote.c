// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/remote.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct remote_pace pace = {.min = 200, .max = 30000};
static const struct remote_pace patient = {
	.min = 200, .max = 30000, .early = 60000, .early_max = 1000};
static struct remote remote;

/* The wait is between a half of `longest` and all of it. */
static void assert_wait(int64_t ms, int64_t longest)
{
	assert_in_range(ms, longest / 2, longest);
}

static void waits_twice_as_long_each_time(void **state)
{
	(void)state;
	remote_init(&remote, &pace, true);
	for (int64_t longest = 200; longest < 30000; longest *= 2)
		assert_wait(remote_failed(&remote, 0), longest);
	for (unsigned i = 0; i < 100; i++)
		assert_wait(remote_failed(&remote, 0), 30000);
}

static void waits_little_in_the_first_minute(void **state)
{
	(void)state;
	remote_init(&remote, &patient, true);
	assert_wait(remote_failed(&remote, 5000), 200);
	assert_wait(remote_failed(&remote, 5200), 400);
	assert_wait(remote_failed(&remote, 5600), 800);
	for (int64_t now = 6000; now < 65000; now += 1000)
		assert_wait(remote_failed(&remote, now), 1000);
	assert_wait(remote_failed(&remote, 65000), 30000);
}

static void nobody_is_awaited_who_was_never_there(void **state)
{
	(void)state;
	remote_init(&remote, &patient, false);
	for (int64_t longest = 200; longest < 30000; longest *= 2)
		assert_wait(remote_failed(&remote, 0), longest);
}

/* It answers, and is of no use. The time in which it was there counts when it has gone. */
static void a_bounce_is_no_restart(void **state)
{
	(void)state;
	remote_init(&remote, &patient, false);
	for (int64_t longest = 200; longest < 30000; longest *= 2) {
		remote_found(&remote);
		assert_wait(remote_bounced(&remote), longest);
	}
	assert_wait(remote_failed(&remote, 100000), 1000);
	assert_wait(remote_failed(&remote, 159999), 1000);
	assert_wait(remote_failed(&remote, 160000), 30000);
}

static void begins_anew_when_all_is_well(void **state)
{
	(void)state;
	remote_init(&remote, &patient, true);
	for (unsigned i = 0; i < 10; i++)
		(void)remote_failed(&remote, 100000);
	assert_false(remote_well(&remote));
	assert_wait(remote_failed(&remote, 500000), 200);
	assert_wait(remote_failed(&remote, 500000), 400);
	assert_wait(remote_failed(&remote, 500000), 800);
	assert_wait(remote_failed(&remote, 500000), 1000);
}

/* Settings may ask for less than the early waits are. */
static void never_waits_longer_than_the_longest(void **state)
{
	const struct remote_pace hasty = {.min = 10, .max = 50, .early = 60000, .early_max = 1000};

	(void)state;
	remote_init(&remote, &hasty, true);
	for (unsigned i = 0; i < 10; i++)
		(void)remote_failed(&remote, 0);
	assert_wait(remote_failed(&remote, 0), 50);
}

static void tells_once_what_is_wrong(void **state)
{
	(void)state;
	remote_init(&remote, &pace, true);
	assert_true(remote_is_news(&remote, "refused"));
	assert_false(remote_is_news(&remote, "refused"));
	assert_true(remote_is_news(&remote, "timed out"));
	assert_true(remote_is_news(&remote, "refused"));
	assert_true(remote_well(&remote));
	assert_false(remote_well(&remote));
	assert_true(remote_is_news(&remote, "refused"));
	remote_clear(&remote);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_twice_as_long_each_time),
		cmocka_unit_test(waits_little_in_the_first_minute),
		cmocka_unit_test(nobody_is_awaited_who_was_never_there),
		cmocka_unit_test(a_bounce_is_no_restart),
		cmocka_unit_test(begins_anew_when_all_is_well),
		cmocka_unit_test(never_waits_longer_than_the_longest),
		cmocka_unit_test(tells_once_what_is_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
