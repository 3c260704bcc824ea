// SPDX-License-Identifier: BSD-2-Clause
#include "user/wire/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

static void a_problem_in_words(void **state)
{
	struct jsonrpc_error refusal = {.code = 404, .message = "no matching announcement"};
	struct jsonrpc_error told = {.message = "cannot connect"}, silent = {0};
	char text[ANSWER_PROBLEM_MAX], longest[2 * ANSWER_PROBLEM_MAX];

	(void)state;
	answer_problem(-EPROTO, &refusal, text);
	assert_string_equal(text, "404 no matching announcement");
	answer_problem(-ECONNREFUSED, &told, text);
	assert_string_equal(text, "cannot connect");
	answer_problem(-ETIMEDOUT, &silent, text);
	assert_string_equal(text, strerror(ETIMEDOUT));

	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	refusal.message = longest;
	answer_problem(-EPROTO, &refusal, text);
	assert_int_equal(strlen(text), ANSWER_PROBLEM_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_problem_in_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
