// SPDX-License-Identifier: BSD-2-Clause
#include "common/http/head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct http_head head;

static int parse(const char *text)
{
	memset(&head, 0, sizeof(head));
	return http_head_parse(text, strlen(text), &head);
}

static void test_good(void **state)
{
	(void)state;
	assert_int_equal(parse("POST /jsonrpc HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n"
			       "content-type:\tApplication/JSON; charset=utf-8\r\n\r\n"),
			 0);
	assert_string_equal(head.path, "/jsonrpc");
	assert_int_equal(head.content_length, 12);
	assert_string_equal(head.content_type, "Application/JSON");
	assert_int_equal(head.method, HTTP_METHOD_POST);
	assert_true(head.keep_alive && !head.is_1_0 && !head.expects_continue);

	assert_int_equal(parse("GET https://h:1/a?b=c HTTP/1.0\r\nExpect: 100-Continue\r\n\r\n"),
			 0);
	assert_string_equal(head.path, "/a");
	assert_int_equal(head.method, HTTP_METHOD_GET);
	assert_string_equal(head.content_type, "");
	assert_true(!head.keep_alive && head.is_1_0 && head.expects_continue);

	assert_int_equal(parse("HEAD / HTTP/1.1\r\nConnection: upgrade, CLOSE\r\n\r\n"), 0);
	assert_int_equal(head.method, HTTP_METHOD_HEAD);
	assert_true(!head.keep_alive && !head.is_1_0);
}

static void test_methods(void **state)
{
	static const struct {
		const char *name;
		enum http_method method;
	} cases[] = {
		{"GET", HTTP_METHOD_GET},       {"HEAD", HTTP_METHOD_HEAD},
		{"POST", HTTP_METHOD_POST},     {"PUT", HTTP_METHOD_PUT},
		{"DELETE", HTTP_METHOD_DELETE}, {"OPTIONS", HTTP_METHOD_OTHER},
		{"get", HTTP_METHOD_OTHER},     {"GETS", HTTP_METHOD_OTHER},
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), "%s / HTTP/1.1\r\n\r\n", cases[i].name);
		assert_int_equal(parse(text), 0);
		assert_int_equal(head.method, cases[i].method);
		if (head.method == HTTP_METHOD_OTHER)
			assert_null(http_method_name(head.method));
		else
			assert_string_equal(http_method_name(head.method), cases[i].name);
	}
}

/* One that is longer than any that is known equals none of them. */
static void test_long_type(void **state)
{
	char text[256], type[HTTP_TYPE_MAX + 2];

	(void)state;
	memset(type, 't', sizeof(type));
	type[HTTP_TYPE_MAX] = '\0';
	snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nContent-Type: %s ; a=b\r\n\r\n", type);
	assert_int_equal(parse(text), 0);
	assert_string_equal(head.content_type, type);
	snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nContent-Type: %st\r\n\r\n", type);
	assert_int_equal(parse(text), 0);
	assert_string_equal(head.content_type, "");
}

static void test_bad(void **state)
{
	static const struct {
		const char *text;
		int status;
	} cases[] = {
		{"\r\n", 400},
		{"POST\r\n\r\n", 400},
		{"POST jsonrpc HTTP/1.1\r\n\r\n", 400},
		{"POST http://host HTTP/1.1\r\n\r\n", 400},
		{"POST / HTTP/2.0\r\n\r\n", 505},
		{"POST / HTTP/1.1 \r\n\r\n", 400},
		{"POST / FTP/1.1\r\n\r\n", 400},
		{"PO(ST / HTTP/1.1\r\n\r\n", 400},
		{"POST / HTTP/1.1\nHost: x\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nno colon\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nContent-Length : 1\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\n folded: 1\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nA: b\rc\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nContent-Length:\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nContent-Length: 9999999999999999999\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (parse(cases[i].text) != cases[i].status)
			fail_msg("case %zu: %s", i, cases[i].text);
}

static void test_long_path(void **state)
{
	char text[2048] = "POST /";

	(void)state;
	memset(text + 6, 'a', HTTP_PATH_MAX);
	strcpy(text + 6 + HTTP_PATH_MAX, " HTTP/1.1\r\n\r\n");
	assert_int_equal(parse(text), 414);
}

static void test_length(void **state)
{
	const char text[] = "GET / HTTP/1.1\r\n\r\nbody";

	(void)state;
	for (size_t i = 0; i < 18; i++)
		assert_int_equal(http_head_length(text, i), 0);
	assert_int_equal(http_head_length(text, strlen(text)), 18);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),      cmocka_unit_test(test_methods),
		cmocka_unit_test(test_long_type), cmocka_unit_test(test_bad),
		cmocka_unit_test(test_long_path), cmocka_unit_test(test_length),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
