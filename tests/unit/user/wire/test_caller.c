// SPDX-License-Identifier: BSD-2-Clause
#include "user/wire/caller.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

static void finds_name_and_settings(void **state)
{
	json_t *params = json_loads(
		"{\"_client\": {\"name\": \"p-1\", \"entry\": {\"settings\": ["
		"{\"service\": \"other\", \"settings\": {\"n\": 1}},"
		"{\"service\": \"proxy\", \"operator\": \"else\", \"settings\": {\"n\": 2}},"
		"{\"service\": \"proxy\", \"operator\": \"me\", \"settings\": {\"n\": 3}},"
		"{\"service\": \"proxy\", \"operator\": \"\", \"settings\": {\"n\": 4}}],"
		"\"channels\": [{\"type\": \"quic\"}, {\"type\": \"grpc_server\","
		"\"settings\": {\"address\": \"h:1\"}}]}}}",
		0, NULL);
	struct caller caller;

	(void)state;
	assert_int_equal(caller_parse(params, &caller), 0);
	assert_string_equal(caller.name, "p-1");
	assert_int_equal(
		json_integer_value(json_object_get(caller_proxy_settings(&caller, "me"), "n")), 3);
	assert_int_equal(
		json_integer_value(json_object_get(caller_proxy_settings(&caller, "you"), "n")), 4);
	assert_non_null(json_object_get(caller_channel(&caller, "grpc_server"), "address"));
	assert_null(caller_channel(&caller, "quic"));
	assert_null(caller_channel(&caller, "stdout"));
	json_decref(params);
}

static void refuses_what_no_relay_sends(void **state)
{
	static const char *const bad[] = {
		"{}",
		"{\"_client\": null}",
		"{\"_client\": \"p-1\"}",
		"{\"_client\": {\"name\": \"p-1\"}}",
		"{\"_client\": {\"entry\": {}}}",
		"{\"_client\": {\"name\": \"\", \"entry\": {}}}",
		"{\"_client\": {\"name\": 7, \"entry\": {}}}",
		"{\"_client\": {\"name\": \"p-1\", \"entry\": []}}",
	};
	struct caller caller;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_t *params = json_loads(bad[i], 0, NULL);
		assert_int_equal(caller_parse(params, &caller), -EINVAL);
		json_decref(params);
	}
}

static void an_entry_may_be_odd(void **state)
{
	static const char *const odd[] = {
		"{}",
		"{\"settings\": null, \"channels\": null}",
		"{\"settings\": {}, \"channels\": \"x\"}",
		"{\"settings\": [7, null, {\"service\": 8}, {\"operator\": \"me\"}]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		json_t *entry = json_loads(odd[i], 0, NULL);
		const struct caller caller = {.name = "p-1", .entry = entry};
		assert_null(caller_proxy_settings(&caller, "me"));
		assert_null(caller_channel(&caller, "grpc_server"));
		json_decref(entry);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_name_and_settings),
		cmocka_unit_test(refuses_what_no_relay_sends),
		cmocka_unit_test(an_entry_may_be_odd),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
