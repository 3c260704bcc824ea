// SPDX-License-Identifier: BSD-2-Clause
#include "user/private/endpoints.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>

static int check(const char *settings, const char *entry, const char *endpoint)
{
	json_t *proxies = settings ? json_loads(settings, 0, NULL) : NULL;
	const struct caller caller = {.name = "pub", .entry = json_loads(entry, 0, NULL)};

	int r = endpoints_check(proxies, &caller, endpoint);
	json_decref(proxies);
	json_decref((json_t *)caller.entry);
	return r;
}

#define SETTINGS                                            \
	"[{\"name\": \"other\", \"endpoints\": [\"o:1\"]}," \
	" {\"name\": \"pub\", \"endpoints\": [\"Pub.example:9999\", \"[::1]:99\"]}]"
#define CHANNEL                                       \
	"{\"channels\": [{\"type\": \"grpc_server\"," \
	" \"settings\": {\"address\": \"pub.example:5556\"}}]}"
#define DIRECTORY                                  \
	"{\"settings\": [{\"service\": \"proxy\"," \
	" \"settings\": {\"internal_endpoint\": \"in.example:7\"}}]}"

static void the_settings_bind_a_proxy_they_name(void **state)
{
	(void)state;
	assert_int_equal(check(SETTINGS, "{}", "pub.example:9999"), 0);
	assert_int_equal(check(SETTINGS, "{}", "[::1]:99"), 0);
	assert_int_equal(check(SETTINGS, "{}", "pub.example:9998"), -EACCES);
	assert_int_equal(check(SETTINGS, "{}", "o:1"), -EACCES);
	/* The directory does not widen them. */
	assert_int_equal(check(SETTINGS, DIRECTORY, "in.example:7"), -EACCES);
	assert_int_equal(
		check("[{\"name\": \"pub\", \"endpoints\": []}]", CHANNEL, "pub.example:1"),
		-EACCES);
}

static void else_the_directory_decides(void **state)
{
	(void)state;
	assert_int_equal(check("[]", DIRECTORY, "In.example:7"), 0);
	assert_int_equal(check(NULL, DIRECTORY, "in.example:8"), -EACCES);
	assert_int_equal(check(NULL, CHANNEL, "Pub.example:9999"), 0);
	assert_int_equal(check(NULL, CHANNEL, "evil.example:9999"), -EACCES);
	assert_int_equal(check(NULL, "{}", "pub.example:9999"), -EACCES);
	assert_int_equal(check(NULL,
			       "{\"channels\": [{\"type\": \"grpc_server\", \"settings\": "
			       "{\"address\": \":5556\"}}]}",
			       ":9999"),
			 -EACCES);
	assert_int_equal(check(NULL,
			       "{\"channels\": [{\"type\": \"grpc_server\", \"settings\": "
			       "null}]}",
			       "pub.example:9999"),
			 -EACCES);
}

static void what_is_no_endpoint_is_invalid(void **state)
{
	static const char *const bad[] = {"",      "pub.example", "pub.example:0", "a b:1",
					  "::1:9", "h:99999",     "http://h:1"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(check(SETTINGS, CHANNEL, bad[i]), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_settings_bind_a_proxy_they_name),
		cmocka_unit_test(else_the_directory_decides),
		cmocka_unit_test(what_is_no_endpoint_is_invalid),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
