// SPDX-License-Identifier: BSD-2-Clause
/* Every ending has a name of its own and words. */
#include "user/flow/ending.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void all_have_words(void **state)
{
	(void)state;
	for (int i = 0; i < ENDINGS; i++) {
		const char *name = ending_name((enum ending)i);

		assert_non_null(name);
		assert_true(strlen(name) < 32);
		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
		assert_true(strlen(ending_text((enum ending)i)) > 0);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(name, ending_name((enum ending)j));
	}
}

/* In the words of the plane, but that it does not know which side is which. */
static void of_a_stream(void **state)
{
	static const enum stream_end_reason same[] = {
		STREAM_FINISHED, STREAM_IDLE,      STREAM_STALLED,
		STREAM_BROKEN,   STREAM_NO_MEMORY, STREAM_URGENT,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		assert_string_equal(ending_text(ending_of_stream(same[i])),
				    stream_reason_name(same[i]));
	assert_int_equal(ending_of_stream(STREAM_RESET_BY_0), ENDING_RESET_OUTSIDE);
	assert_int_equal(ending_of_stream(STREAM_RESET_BY_1), ENDING_RESET_INSIDE);
}

static void of_a_hello(void **state)
{
	(void)state;
	for (int i = CLIENT_HELLO_NOT_TLS; i <= CLIENT_HELLO_BAD_NAME; i++)
		assert_string_equal(ending_text(ending_of_hello((enum client_hello_result)i)),
				    client_hello_result_name((enum client_hello_result)i));
	assert_int_equal(ending_of_hello(CLIENT_HELLO_MORE), ENDING_HELLO_TOO_LARGE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_have_words),
		cmocka_unit_test(of_a_stream),
		cmocka_unit_test(of_a_hello),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
