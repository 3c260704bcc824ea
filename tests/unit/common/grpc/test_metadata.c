// SPDX-License-Identifier: BSD-2-Clause
#include "common/grpc/metadata.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_percent(void **state)
{
	char encoded[GRPC_ENCODED_MAX], decoded[GRPC_TEXT_MAX + 1];
	char text[GRPC_TEXT_MAX + 100];

	(void)state;
	grpc_percent_encode("a%b \xc3\xb6\n~", encoded);
	assert_string_equal(encoded, "a%25b %C3%B6%0A~");
	grpc_percent_decode(encoded, strlen(encoded), decoded);
	assert_string_equal(decoded, "a%b \xc3\xb6?~");
	grpc_percent_decode("%zz%4", 5, decoded);
	assert_string_equal(decoded, "%zz%4");
	grpc_percent_decode("x%ff%00", 7, decoded);
	assert_string_equal(decoded, "x??");

	memset(text, 0xff, sizeof(text));
	text[sizeof(text) - 1] = '\0';
	grpc_percent_encode(text, encoded);
	assert_int_equal(strlen(encoded), 3 * GRPC_TEXT_MAX);
	memset(text, 'x', sizeof(text));
	grpc_percent_decode(text, sizeof(text), decoded);
	assert_int_equal(strlen(decoded), GRPC_TEXT_MAX);
}

static unsigned timeout(const char *text)
{
	unsigned ms = 0;

	return grpc_timeout_parse(text, strlen(text), &ms) < 0 ? 0 : ms;
}

static void test_timeout(void **state)
{
	char text[GRPC_TIMEOUT_MAX];

	(void)state;
	assert_int_equal(timeout("5S"), 5000);
	assert_int_equal(timeout("250m"), 250);
	assert_int_equal(timeout("2M"), 120000);
	assert_int_equal(timeout("1500u"), 1);
	assert_int_equal(timeout("1n"), 1);
	assert_int_equal(timeout("99999999H"), 24 * 3600 * 1000);
	assert_int_equal(timeout(""), 0);
	assert_int_equal(timeout("S"), 0);
	assert_int_equal(timeout("-1S"), 0);
	assert_int_equal(timeout("5x"), 0);
	assert_int_equal(timeout("123456789S"), 0);
	grpc_timeout_format(4294967295u, text);
	assert_string_equal(text, "99999999m");
	grpc_timeout_format(30000, text);
	assert_string_equal(text, "30000m");
}

static bool type_ok(const char *text)
{
	return grpc_content_type_ok(text, strlen(text));
}

static void test_content_type(void **state)
{
	(void)state;
	assert_true(type_ok("application/grpc"));
	assert_true(type_ok("application/grpc+proto"));
	assert_true(type_ok("application/grpc;charset=utf-8"));
	assert_false(type_ok("application/grpcx"));
	assert_false(type_ok("application/grpc+json"));
	assert_false(type_ok("application/json"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_percent),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_content_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
