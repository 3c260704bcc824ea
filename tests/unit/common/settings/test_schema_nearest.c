// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/common/settings/fixture.h"

static const char *const names[] = {"tls",
				    "path",
				    "endpoint",
				    "bind_address",
				    "verify_client",
				    "ca_certificate_files",
				    "tls_bind_address",
				    "internal_endpoint"};

static const char *nearest(const char *text)
{
	return schema_nearest(text, names, sizeof(names) / sizeof(*names));
}

static void finds(void **state)
{
	(void)state;
	assert_string_equal(nearest("tsl"), "tls");
	assert_string_equal(nearest("TLS"), "tls");
	assert_string_equal(nearest("paht"), "path");
	assert_string_equal(nearest("endpiont"), "endpoint");
	assert_string_equal(nearest("endpoints"), "endpoint");
	assert_string_equal(nearest("bind-address"), "bind_address");
	assert_string_equal(nearest("bindAddress"), "bind_address");
	assert_string_equal(nearest("ca_certificate_file"), "ca_certificate_files");
	assert_string_equal(nearest("verify_clients"), "verify_client");
	assert_string_equal(nearest("tls_bind_adress"), "tls_bind_address");
}

static void finds_nothing(void **state)
{
	char text[100];

	(void)state;
	assert_null(nearest(""));
	assert_null(nearest("xyz"));
	assert_null(nearest("something_else"));
	assert_null(schema_nearest("tls", names, 0));
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_null(nearest(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds),
		cmocka_unit_test(finds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
