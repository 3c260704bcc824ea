// SPDX-License-Identifier: BSD-2-Clause
/* Each figure has a name of its own; workers' figures add up. */
#include "user/flow/counters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct counters one, two;

static int clear(void **state)
{
	(void)state;
	memset(&one, 0, sizeof(one));
	memset(&two, 0, sizeof(two));
	return 0;
}

static void all_have_names(void **state)
{
	char name[COUNTER_NAME_MAX], other[COUNTER_NAME_MAX];

	(void)state;
	for (unsigned i = 0; i < COUNTERS; i++) {
		counter_name(i, name);
		assert_true(strlen(name) > 3);
		for (unsigned j = 0; j < i; j++) {
			counter_name(j, other);
			assert_string_not_equal(name, other);
		}
	}
	counter_name(COUNTER_ENDED + ENDING_FINISHED, name);
	assert_string_equal(name, "ended_finished");
	counter_name(COUNTER_COMPLAINTS + COMPLAINT_RATE, name);
	assert_string_equal(name, "complaint_rate");
}

static void up_and_down(void **state)
{
	(void)state;
	counters_add(&one, COUNTER_OPEN, 5);
	counters_sub(&one, COUNTER_OPEN, 3);
	assert_int_equal(counters_get(&one, COUNTER_OPEN), 2);
	assert_int_equal(counters_get(&one, COUNTER_ACCEPTED), 0);
}

static void sums_of_what_is_not_zero(void **state)
{
	const struct counters *const all[] = {&one, &two};
	char text[COUNTERS_TEXT], small[12];

	(void)state;
	counters_format(all, 2, text, sizeof(text));
	assert_string_equal(text, "");
	counters_add(&one, COUNTER_ACCEPTED, 1);
	counters_add(&two, COUNTER_ACCEPTED, 2);
	counters_add(&two, COUNTER_ENDED + ENDING_IDLE, 7);
	counters_format(all, 2, text, sizeof(text));
	assert_string_equal(text, "accepted=3 ended_idle=7");
	counters_format(all, 2, small, sizeof(small));
	assert_string_equal(small, "accepted=3 ");
}

static void all_of_them_fit(void **state)
{
	const struct counters *const all[] = {&one};
	char text[COUNTERS_TEXT];

	(void)state;
	for (unsigned i = 0; i < COUNTERS; i++)
		counters_add(&one, i, UINT64_MAX);
	counters_format(all, 1, text, sizeof(text));
	assert_true(strlen(text) < sizeof(text) - 1);
	assert_non_null(strstr(text, "ended_ahead_header=18446744073709551615"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_have_names),
		cmocka_unit_test_setup(up_and_down, clear),
		cmocka_unit_test_setup(sums_of_what_is_not_zero, clear),
		cmocka_unit_test_setup(all_of_them_fit, clear),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
