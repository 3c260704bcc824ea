// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/log.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int saved, ends[2];

static void capture(void)
{
	assert_int_equal(pipe(ends), 0);
	saved = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
}

static const char *captured(void)
{
	static char text[8192];

	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	ssize_t n = read(ends[0], text, sizeof(text) - 1);
	close(ends[0]);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void test_levels(void **state)
{
	enum log_level level = LOG_TRACE;

	(void)state;
	assert_int_equal(log_level_parse("Warn", &level), 0);
	assert_int_equal(level, LOG_WARN);
	assert_int_equal(log_level_parse("loud", &level), -EINVAL);
	log_setup("test", LOG_WARN, LOG_FORMAT_PLAIN);
	capture();
	log_info("hidden");
	log_warn("shown");
	const char *text = captured();
	assert_null(strstr(text, "hidden"));
	assert_non_null(strstr(text, " WARN test: shown\n"));
	assert_int_equal(text[10], 'T');
	assert_int_equal(text[23], 'Z');
}

/* What a peer chose neither starts a line of its own nor reaches the terminal as an escape. */
static void test_control_bytes(void **state)
{
	(void)state;
	log_setup("test", LOG_INFO, LOG_FORMAT_PLAIN);
	capture();
	log_info("name %s", "a\nERROR b\x1b[2J\x7f");
	const char *text = captured();
	assert_non_null(strstr(text, "name a?ERROR b?[2J?\n"));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void test_long_line(void **state)
{
	char lengthy[5000];

	(void)state;
	memset(lengthy, 'x', sizeof(lengthy) - 1);
	lengthy[sizeof(lengthy) - 1] = '\0';
	log_setup("test", LOG_INFO, LOG_FORMAT_PLAIN);
	capture();
	log_info("%s", lengthy);
	const char *text = captured();
	assert_int_equal(text[strlen(text) - 1], '\n');
	assert_true(strlen(text) <= 2048);
}

static void test_iris(void **state)
{
	char expected[64];

	(void)state;
	log_setup("test", LOG_INFO, LOG_FORMAT_IRIS);
	capture();
	errno = EPERM;
	log_info("message %m");
	assert_int_equal(errno, EPERM);
	snprintf(expected, sizeof(expected), " INFO %d test [nan] test_iris : message ",
		 (int)getpid());
	assert_non_null(strstr(captured(), expected));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_control_bytes),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_iris),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
