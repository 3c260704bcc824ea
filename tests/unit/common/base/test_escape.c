// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/escape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static void test_what_is_plain_stays(void **state)
{
	static const char text[] = "A_b-9.example.org:443/%=*(){}[]<>!#$&+,;?@^|~";
	char out[64];

	(void)state;
	escape(text, strlen(text), out, sizeof(out));
	assert_string_equal(out, text);
	escape("", 0, out, sizeof(out));
	assert_string_equal(out, "");
}

static void test_what_breaks_a_line_does_not(void **state)
{
	static const char text[] = "a b\n\x1b[31m\"'`\\\xc3\xa4\x9b\x7f\r\t";
	char out[128];

	(void)state;
	escape(text, sizeof(text), out, sizeof(out)); /* with its zero */
	assert_string_equal(out, "a\\x20b\\x0a\\x1b[31m\\x22\\x27\\x60\\x5c\\xc3\\xa4\\x9b\\x7f"
				 "\\x0d\\x09\\x00");
	for (int c = 0; c < 256; c++) {
		char byte = (char)c;

		escape(&byte, 1, out, sizeof(out));
		for (const char *at = out; *at; at++)
			assert_true(isgraph((unsigned char)*at));
		assert_true(strlen(out) == 1 ? out[0] == byte : strlen(out) == 4);
	}
}

/* Of the exact size, so that a sanitizer sees each step too far. */
static void test_what_is_too_long_is_cut(void **state)
{
	static const struct {
		const char *in;
		size_t size;
		const char *out;
	} cases[] = {
		{"1234567", 8, "1234567"}, {"12345678", 8, "1234..."}, {"123\n", 8, "123\\x0a"},
		{"1234\n", 8, "1234..."},  {"\n\n", 8, "\\x0a..."},    {"\n\n", 9, "\\x0a\\x0a"},
		{"12\n4567", 9, "12..."},  {"1\n567", 9, "1\\x0a567"}, {"1\n5678", 9, "1\\x0a..."},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *out = malloc(cases[i].size);

		escape(cases[i].in, strlen(cases[i].in), out, cases[i].size);
		assert_true(strlen(out) < cases[i].size);
		assert_string_equal(out, cases[i].out);
		free(out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_plain_stays),
		cmocka_unit_test(test_what_breaks_a_line_does_not),
		cmocka_unit_test(test_what_is_too_long_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
