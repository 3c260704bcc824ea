// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/cleanup.h"
#include "common/base/version.h"
#include "relay/bus/broker_private.h"
#include "tests/unit/relay/directory/fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define OWN "public.ga"

struct outcome {
	unsigned n;
	int r, code;
	json_t *result, *data;
};

static struct broker broker = {.name = OWN};
static struct outcome outcome;

static void on_done(int r, json_t *result, const struct jsonrpc_error *error, void *arg)
{
	assert_ptr_equal(arg, &outcome);
	outcome.n++;
	outcome.r = r;
	outcome.result = json_incref(result);
	outcome.code = error ? error->code : 0;
	outcome.data = error ? json_incref(error->data) : NULL;
}

/* Takes `params`. Whether it is a method of the relay. */
static bool call(const char *method, json_t *params)
{
	AUTO_JSON json_t *taken = params;
	const struct message message = {OWN, OWN, method, OWN ".x(1)", taken};

	json_decref(outcome.result);
	json_decref(outcome.data);
	outcome = (struct outcome){0};
	return builtins_call(&broker, &message, on_done, &outcome);
}

static int setup(void **state)
{
	(void)state;
	broker.directory = fixture_directory();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	json_decref(outcome.result);
	json_decref(outcome.data);
	outcome = (struct outcome){0};
	directory_free(broker.directory);
	return 0;
}

static void test_others(void **state)
{
	(void)state;
	assert_false(call("announceConnections", json_object()));
	assert_false(call("ping", json_object()));
	assert_false(call("", json_object()));
	assert_int_equal(outcome.n, 0);
}

static void test_ping(void **state)
{
	(void)state;
	assert_true(call("_ping", json_pack("{s:i, s:{}}", "n", 7, "_client")));
	assert_int_equal(outcome.n, 1);
	assert_int_equal(outcome.r, 0);
	assert_string_equal(json_string_value(json_object_get(outcome.result, "version")),
			    PASSAGE_VERSION);
	const json_t *echoed = json_object_get(outcome.result, "params");
	assert_int_equal(json_integer_value(json_object_get(echoed, "n")), 7);
	assert_null(json_object_get(echoed, "_client"));
	assert_ptr_equal(json_object_get(outcome.result, "serverInfo"),
			 directory_entry(broker.directory, OWN));
	assert_int_equal(json_string_length(json_object_get(outcome.result, "timestamp")),
			 strlen("2026-01-01T00:00:00Z"));
}

/* Names of the entries that the last call gave, with a space after each. */
static const char *names(void)
{
	static char text[256];
	const json_t *entry;
	size_t i;

	text[0] = '\0';
	json_array_foreach(json_object_get(outcome.result, "entries"), i, entry) {
		strcat(text, json_string_value(json_object_get(entry, "name")));
		strcat(text, " ");
	}
	return text;
}

static void test_directory(void **state)
{
	(void)state;
	/* In the order of the records. */
	assert_true(call("_directory", json_object()));
	assert_string_equal(names(), "public.ga private.ga third admin ");
	assert_true(call("_directory", json_pack("{s:s}", "group", "users")));
	assert_string_equal(names(), "private.ga ");
	assert_true(call("_directory", json_pack("{s:s}", "operator", "third")));
	assert_string_equal(names(), "third ");
	assert_true(call("_directory", json_pack("{s:[s]}", "channels", "grpc_server")));
	assert_string_equal(names(), "public.ga ");
	assert_true(
		call("_directory", json_pack("{s:s, s:s}", "group", "users", "operator", "third")));
	assert_string_equal(names(), "");
	assert_int_equal(outcome.r, 0);
}

static void test_bad_selection(void **state)
{
	static const char *const bad[] = {"{\"group\":1}", "{\"operator\":[]}",
					  "{\"channels\":\"grpc_server\"}", "{\"channels\":[1]}",
					  "{\"name\":\"x\"}"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_true(call("_directory", json_loads(bad[i], 0, NULL)));
		assert_int_equal(outcome.n, 1);
		assert_int_equal(outcome.r, -EPROTO);
		assert_int_equal(outcome.code, JSONRPC_INVALID_PARAMS);
		assert_string_equal(json_string_value(json_object_get(outcome.data, "code")),
				    "FORM-ERROR");
	}
}

static void test_not_served(void **state)
{
	(void)state;
	assert_true(call("_connectionRequest", json_object()));
	assert_int_equal(outcome.r, -EPROTO);
	assert_int_equal(outcome.code, JSONRPC_METHOD_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_others, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ping, setup, teardown),
		cmocka_unit_test_setup_teardown(test_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_selection, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_served, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
