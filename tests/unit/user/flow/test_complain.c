// SPDX-License-Identifier: BSD-2-Clause
/* However often something happens, the log has a line or two a second of it. */
#include "user/flow/complain.h"

#include "common/base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char lines[8][256];
static unsigned n_lines;

/* In place of the real ones. */
bool log_enabled(enum log_level level)
{
	return level >= LOG_WARN;
}

void log_write(enum log_level level, const char *function, const char *format, ...)
{
	va_list args;

	(void)level, (void)function;
	assert_true(n_lines < 8);
	va_start(args, format);
	vsnprintf(lines[n_lines++], sizeof(lines[0]), format, args);
	va_end(args);
}

struct scene {
	struct timers timers;
	struct counters counters;
	struct complaints complaints;
};

static int set_up(void **state)
{
	static struct scene scene;

	scene = (struct scene){0};
	complaints_init(&scene.complaints, &scene.timers, &scene.counters);
	n_lines = 0;
	*state = &scene;
	return 0;
}

static void a_second_goes_by(struct scene *scene)
{
	timers_run(&scene->timers, clock_now() + NS_PER_S);
}

static void first_at_once_then_counted(void **state)
{
	struct scene *scene = *state;

	for (int i = 0; i < 501; i++)
		complain(&scene->complaints, COMPLAINT_TOKEN_WRONG, NULL);
	assert_int_equal(counters_get(&scene->counters, COUNTER_COMPLAINTS + COMPLAINT_TOKEN_WRONG),
			 501);
	assert_int_equal(n_lines, 1);
	assert_string_equal(lines[0],
			    "a dial-back showed a token that is wrong, late, or used: reset it");
	a_second_goes_by(scene);
	assert_int_equal(n_lines, 2);
	assert_non_null(strstr(lines[1], "(500 more times in a second)"));
	/* Still within a second of that line. */
	complain(&scene->complaints, COMPLAINT_TOKEN_WRONG, NULL);
	assert_int_equal(n_lines, 2);
	a_second_goes_by(scene);
	assert_int_equal(n_lines, 3);
	/* Quiet now: nothing is armed, and the next is told at once. */
	a_second_goes_by(scene);
	assert_int_equal(n_lines, 3);
	assert_int_equal(timers_next(&scene->timers, clock_now()), -1);
	complain(&scene->complaints, COMPLAINT_TOKEN_WRONG, NULL);
	assert_int_equal(n_lines, 4);
}

static void each_kind_by_itself(void **state)
{
	struct scene *scene = *state;
	struct addr who;

	assert_int_equal(addr_parse("192.0.2.1:5", &who, 1), 1);
	for (int i = 0; i < 3; i++) {
		complain_of(&scene->complaints, COMPLAINT_TOKEN_SLOW, &who);
		complain(&scene->complaints, COMPLAINT_NO_ROOM_TO_PARK, "private-1");
	}
	assert_int_equal(n_lines, 2);
	assert_non_null(strstr(lines[0], "192.0.2.1:5: "));
	assert_non_null(strstr(lines[1], "private-1: "));
	a_second_goes_by(scene);
	assert_int_equal(n_lines, 4);
	for (int i = 2; i < 4; i++)
		assert_non_null(strstr(lines[i], "(2 more times in a second)"));
}

/* None without a text. */
static void every_kind_has_words(void **state)
{
	struct scene *scene = *state;

	for (int kind = 0; kind < COMPLAINTS; kind++) {
		n_lines = 0;
		complain(&scene->complaints, (enum complaint)kind, NULL);
		assert_int_equal(n_lines, 1);
		assert_true(strlen(lines[0]) > 20);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(first_at_once_then_counted, set_up),
		cmocka_unit_test_setup(each_kind_by_itself, set_up),
		cmocka_unit_test_setup(every_kind_has_words, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
