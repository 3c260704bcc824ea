// SPDX-License-Identifier: BSD-2-Clause
#include "relay/options.h"

#include <errno.h>
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct options parsed;

static int parse(const char *text)
{
	static char line[128];
	char *argv[16] = {NULL}, *rest = line;
	int argc = 0;

	snprintf(line, sizeof(line), "%s", text);
	for (char *word; (word = strsep(&rest, " "));)
		argv[argc++] = word;
	memset(&parsed, 0, sizeof(parsed));
	optind = 0; /* from the start again, as glibc has it */
	return options_parse(options_personality(argv[0]), argc, argv, &parsed);
}

static void test_personalities(void **state)
{
	(void)state;
	assert_string_equal(options_personality("/usr/bin/hyper")->variable, "HYPER_SETTINGS");
	assert_string_equal(options_personality("eps")->variable, "EPS_SETTINGS");
	assert_int_equal(options_personality("./eps")->dialect, DIALECT_EPS);
	assert_string_equal(options_personality("relay")->variable, "RELAY_SETTINGS");
	assert_string_equal(options_personality(NULL)->variable, "RELAY_SETTINGS");
}

static void test_commands(void **state)
{
	(void)state;
	assert_int_equal(parse("hyper server run"), 0);
	assert_int_equal(parsed.command, COMMAND_RUN);
	assert_int_equal(parsed.level, LOG_INFO);
	assert_int_equal(parse("hyper --level debug --format=iris s run"), 0);
	assert_int_equal(parsed.command, COMMAND_RUN);
	assert_int_equal(parsed.level, LOG_DEBUG);
	assert_int_equal(parsed.format, LOG_FORMAT_IRIS);
	assert_int_equal(parse("relay --profile x check"), 0);
	assert_int_equal(parsed.command, COMMAND_CHECK);
	assert_string_equal(parsed.profile, "x");
	assert_int_equal(parse("relay version"), 0);
	assert_int_equal(parsed.command, COMMAND_VERSION);
	assert_int_equal(parse("relay --help"), 0);
	assert_int_equal(parsed.command, COMMAND_HELP);
}

static void test_mistakes(void **state)
{
	(void)state;
	assert_int_equal(parse("relay"), -EINVAL);
	assert_int_equal(parse("relay server"), -EINVAL);
	assert_int_equal(parse("relay server walk"), -EINVAL);
	assert_int_equal(parse("relay server run now"), -EINVAL);
	assert_int_equal(parse("relay fly"), -EINVAL);
	assert_int_equal(parse("relay --level loud check"), -EINVAL);
	assert_int_equal(parse("relay --format xml check"), -EINVAL);
	assert_int_equal(parse("relay --colour check"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_personalities),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_mistakes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
