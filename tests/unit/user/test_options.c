// SPDX-License-Identifier: BSD-2-Clause
#include "user/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 12

/* Words with blanks between them; "''" is an empty one. */
static int parse(const char *line, struct options *ret, char **ret_error)
{
	static char copy[200];
	char *words[WORDS_MAX + 1];
	int n = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		words[n++] = strcmp(word, "''") == 0 ? word + 2 : word;
	words[n] = NULL;
	return options_parse(n, words, ret, ret_error);
}

static void understands_the_commands(void **state)
{
	struct options options;
	char *error = NULL;

	(void)state;
	assert_int_equal(parse("proxy run public", &options, &error), 0);
	assert_int_equal(options.command, COMMAND_RUN);
	assert_int_equal(options.role, ROLE_PUBLIC);
	assert_int_equal(options.level, LOG_INFO);
	assert_int_equal(options.format, LOG_FORMAT_PLAIN);
	assert_null(options.profile);
	assert_int_equal(parse("proxy run private", &options, &error), 0);
	assert_int_equal(options.role, ROLE_PRIVATE);
	assert_int_equal(parse("proxy check", &options, &error), 0);
	assert_int_equal(options.command, COMMAND_CHECK);
	assert_int_equal(parse("proxy version", &options, &error), 0);
	assert_int_equal(options.command, COMMAND_VERSION);
	assert_int_equal(parse("proxy --version", &options, &error), 0);
	assert_int_equal(options.command, COMMAND_VERSION);
	assert_int_equal(parse("proxy help", &options, &error), 0);
	assert_int_equal(options.command, COMMAND_HELP);
	assert_int_equal(parse("proxy -h", &options, &error), 0);
	assert_int_equal(options.command, COMMAND_HELP);
	assert_null(error);
}

static void understands_the_options(void **state)
{
	struct options options;
	char *error = NULL;

	(void)state;
	assert_int_equal(
		parse("proxy --level debug --format iris --profile x run public", &options, &error),
		0);
	assert_int_equal(options.level, LOG_DEBUG);
	assert_int_equal(options.format, LOG_FORMAT_IRIS);
	assert_string_equal(options.profile, "x");
	assert_int_equal(parse("proxy --level=trace --format= run private", &options, &error), 0);
	assert_int_equal(options.level, LOG_TRACE);
	assert_int_equal(options.format, LOG_FORMAT_PLAIN);
	assert_int_equal(parse("proxy --format '' check", &options, &error), 0);
	assert_int_equal(parse("proxy run public --level warn", &options, &error), 0);
	assert_int_equal(options.level, LOG_WARN);
	assert_null(error);
}

static void says_what_is_wrong(void **state)
{
	static const struct {
		const char *line, *error;
	} bad[] = {
		{"proxy", "no command"},
		{"proxy run", "run what?"},
		{"proxy run both", "run what?"},
		{"proxy run public twice", "what is twice for?"},
		{"proxy walk", "unknown command walk"},
		{"proxy --level loud run public", "--level loud"},
		{"proxy --format json run public", "--format json"},
		{"proxy run public --level", "--level needs a value"},
		{"proxy --colour run public", "unknown option --colour"},
		{"proxy check it", "what is it for?"},
	};
	struct options options = {.level = LOG_ERROR};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *error = NULL;
		assert_int_equal(parse(bad[i].line, &options, &error), -EINVAL);
		assert_non_null(strstr(error, bad[i].error));
		free(error);
	}
	assert_int_equal(options.level, LOG_ERROR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(understands_the_commands),
		cmocka_unit_test(understands_the_options),
		cmocka_unit_test(says_what_is_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
