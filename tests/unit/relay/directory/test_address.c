// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/cleanup.h"
#include "relay/directory/address.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_methods(void **state)
{
	static const char *const bad[] = {
		"",       "method", ".method", "op.",    "op..method",  "op.me(thod",
		"o p.me", "op.m m", "op.m)",   "op.m\n", "o\xc3\xa9.m", "op.m\x7f",
	};
	struct address address = {.method = "untouched"};
	char text[500];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (address_parse_method(bad[i], &address) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
	assert_string_equal(address.method, "untouched");
	assert_int_equal(address_parse_method("private-proxy-1.ga._ping", &address), 0);
	assert_string_equal(address.operator, "private-proxy-1.ga");
	assert_string_equal(address.method, "_ping");
	assert_string_equal(address.id, "");

	memset(text, 'a', sizeof(text));
	text[255] = '.';
	text[256 + 100] = '\0';
	assert_int_equal(address_parse_method(text, &address), 0);
	text[256 + 100] = 'a';
	text[256 + 101] = '\0';
	assert_int_equal(address_parse_method(text, &address), -EINVAL);
	text[255] = 'a';
	text[256] = '.';
	assert_int_equal(address_parse_method(text, &address), -EINVAL);
}

static void test_ids(void **state)
{
	static const char *const bad[] = {
		"garbage", "op.m", "op.m()", "op.m(1", "op.m(1))", "op.m(1)x", "op.m(1)(",
		"(1)",     "m(1)", ".m(1)",  "op.(1)", "op.m)1(",  "",         "op.m(a)b)",
	};
	char text[ADDRESS_ID_MAX + 20] = "op.m(";
	struct address address;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (address_parse_id(bad[i], &address) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
	assert_int_equal(address_parse_id("public-proxy-1.ga.getAnnouncements(n:5)", &address), 0);
	assert_string_equal(address.operator, "public-proxy-1.ga");
	assert_string_equal(address.method, "getAnnouncements");
	assert_string_equal(address.id, "n:5");
	assert_int_equal(address_parse_id("op.m(a.b(c)", &address), 0);
	assert_string_equal(address.id, "a.b(c");
	memset(text + 5, 'x', ADDRESS_ID_MAX);
	strcpy(text + 5 + ADDRESS_ID_MAX, ")");
	assert_int_equal(address_parse_id(text, &address), 0);
	strcpy(text + 5 + ADDRESS_ID_MAX, "x)");
	assert_int_equal(address_parse_id(text, &address), -EINVAL);
}

static void test_inner_ids(void **state)
{
	static const char *const cases[][2] = {
		{"7", "7"},        {"n:5", "nn:5"}, {"nn:5", "nnnn:5"},
		{"n:-5", "nn:-5"}, {"n:", "n:"},    {"n:5x", "n:5x"},
		{"name", "name"},  {"n", "n"},      {"nnn:1", "nnnnnn:1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO_JSON json_t *id = json_string(cases[i][0]);
		AUTO_FREE char *text = address_inner_id(id);
		assert_string_equal(text, cases[i][1]);
	}
	AUTO_JSON json_t *id = json_integer(-5);
	AUTO_FREE char *text = address_inner_id(id);
	assert_string_equal(text, "n:-5");
	AUTO_FREE char *full = address_format("op.m", text);
	assert_string_equal(full, "op.m(n:-5)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_inner_ids),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
