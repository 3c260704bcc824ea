// SPDX-License-Identifier: BSD-2-Clause
#include "user/wire/token_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

static void reads_what_it_writes(void **state)
{
	uint8_t token[TOKEN_BYTES], again[TOKEN_BYTES];
	char text[TOKEN_TEXT];

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		for (unsigned j = 0; j < TOKEN_BYTES; j++)
			token[j] = (uint8_t)(i * 131 + j * 17 + i * j);
		token_text_encode(token, text);
		assert_int_equal(strlen(text), 44);
		assert_int_equal(token_text_decode(text, again), 0);
		assert_memory_equal(token, again, TOKEN_BYTES);
	}
	memset(token, 0, sizeof(token));
	token_text_encode(token, text);
	assert_string_equal(text, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
}

static void refuses_other_texts(void **state)
{
	static const char *const bad[] = {
		"",
		"AAAA",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",     /* 33 bytes */
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",     /* 31 bytes */
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=",     /* stray bits */
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-=",     /* URL alphabet */
		" AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",     /* blank */
		"AAAAAAAAAAAAAAAAAAAAA=AAAAAAAAAAAAAAAAAAAAA=",     /* padding inside */
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=AAAA", /* more */
	};
	uint8_t token[TOKEN_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(token_text_decode(bad[i], token), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_it_writes),
		cmocka_unit_test(refuses_other_texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
