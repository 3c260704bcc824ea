// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/cleanup.h"
#include "common/jsonrpc/jsonrpc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static int parse(const char *body, struct jsonrpc_request *request, struct jsonrpc_error *error)
{
	*request = (struct jsonrpc_request){0};
	*error = (struct jsonrpc_error){0};
	return jsonrpc_request_parse(body, strlen(body), request, error);
}

static void refused(const char *body, int code)
{
	struct jsonrpc_request request;
	struct jsonrpc_error error;

	assert_int_equal(parse(body, &request, &error), -EBADMSG);
	assert_int_equal(error.code, code);
	assert_non_null(error.message);
	assert_null(request.method);
	jsonrpc_error_clear(&error);
}

static void test_recorded_request(void **state)
{
	struct jsonrpc_request request;
	struct jsonrpc_error error;

	(void)state;
	assert_int_equal(parse("{\"jsonrpc\":\"2.0\",\"id\":\"7\",\"method\":"
			       "\"private-proxy-1.ga.announceConnection\",\"params\":{\"domain\":"
			       "\"wire.internal-server.local\",\"proxy\":\"public-proxy-1.ga\"}}",
			       &request, &error),
			 0);
	assert_string_equal(request.method, "private-proxy-1.ga.announceConnection");
	assert_string_equal(json_string_value(request.id), "7");
	assert_string_equal(json_string_value(json_object_get(request.params, "proxy")),
			    "public-proxy-1.ga");
	jsonrpc_request_clear(&request);
}

static void test_ids(void **state)
{
	static const char *const invented[] = {"", ",\"id\":\"\"", ",\"id\":null"};
	static const char *const bad[] = {"1.5", "2147483648", "-2147483649", "{}", "true", "[1]"};
	struct jsonrpc_request request;
	struct jsonrpc_error error;
	char body[2048], id[1100];

	(void)state;
	for (size_t i = 0; i < sizeof(invented) / sizeof(invented[0]); i++) {
		snprintf(body, sizeof(body),
			 "{\"jsonrpc\":\"2.0\",\"method\":\"a.b\",\"params\":{}%s}", invented[i]);
		assert_int_equal(parse(body, &request, &error), 0);
		assert_int_equal(json_string_length(request.id), 32);
		jsonrpc_request_clear(&request);
	}
	assert_int_equal(parse("{\"jsonrpc\":\"2.0\",\"method\":\"a.b\",\"params\":{},\"id\":-8}",
			       &request, &error),
			 0);
	assert_int_equal(json_integer_value(request.id), -8);
	jsonrpc_request_clear(&request);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(body, sizeof(body),
			 "{\"jsonrpc\":\"2.0\",\"method\":\"a.b\",\"params\":{},\"id\":%s}",
			 bad[i]);
		refused(body, JSONRPC_INVALID_REQUEST);
	}
	for (int length = 1024; length <= 1025; length++) {
		memset(id, 'x', sizeof(id));
		id[length] = '\0';
		snprintf(body, sizeof(body),
			 "{\"jsonrpc\":\"2.0\",\"method\":\"a.b\",\"params\":{},\"id\":\"%s\"}",
			 id);
		if (length > 1024) {
			refused(body, JSONRPC_INVALID_REQUEST);
		} else {
			assert_int_equal(parse(body, &request, &error), 0);
			jsonrpc_request_clear(&request);
		}
	}
}

static void test_not_json(void **state)
{
	char deep[4096] = "{\"jsonrpc\":\"2.0\",\"method\":\"a.b\",\"params\":{\"x\":";

	(void)state;
	refused("", JSONRPC_PARSE_ERROR);
	refused("nonsense", JSONRPC_PARSE_ERROR);
	refused("{\"jsonrpc\":\"2.0\"", JSONRPC_PARSE_ERROR);
	refused("{\"jsonrpc\":\"2.0\",\"method\":\"a.b\",\"method\":\"a.c\",\"params\":{}}",
		JSONRPC_PARSE_ERROR);
	refused("{\"jsonrpc\":\"2.0\",\"method\":\"a\xff\",\"params\":{}}", JSONRPC_PARSE_ERROR);
	for (int i = 0; i < 70; i++)
		strcat(deep, "[");
	for (int i = 0; i < 70; i++)
		strcat(deep, "]");
	strcat(deep, "}}");
	refused(deep, JSONRPC_PARSE_ERROR);
}

static void test_malformed(void **state)
{
	char body[512], method[400];

	(void)state;
	refused("[]", JSONRPC_INVALID_REQUEST);
	refused("{\"method\":\"a.b\",\"params\":{}}", JSONRPC_INVALID_REQUEST);
	refused("{\"jsonrpc\":\"1.0\",\"method\":\"a.b\",\"params\":{}}", JSONRPC_INVALID_REQUEST);
	refused("{\"jsonrpc\":\"2.0\",\"method\":\"a.b\"}", JSONRPC_INVALID_REQUEST);
	refused("{\"jsonrpc\":\"2.0\",\"method\":\"a.b\",\"params\":[]}", JSONRPC_INVALID_REQUEST);
	refused("{\"jsonrpc\":\"2.0\",\"method\":\"\",\"params\":{}}", JSONRPC_INVALID_REQUEST);
	refused("{\"jsonrpc\":\"2.0\",\"method\":7,\"params\":{}}", JSONRPC_INVALID_REQUEST);
	memset(method, 'm', sizeof(method));
	method[357] = '\0';
	snprintf(body, sizeof(body), "{\"jsonrpc\":\"2.0\",\"method\":\"%s\",\"params\":{}}",
		 method);
	refused(body, JSONRPC_INVALID_REQUEST);
}

static void reply_is(json_t *reply, const char *expected)
{
	AUTO_JSON json_t *taken = reply;
	AUTO_JSON json_t *wanted = json_loads(expected, 0, NULL);

	assert_non_null(wanted);
	assert_true(json_equal(taken, wanted));
}

static void test_replies(void **state)
{
	AUTO_JSON json_t *text_id = json_string("7"), *number_id = json_integer(8);
	AUTO_JSON json_t *result = json_string("ok");
	struct jsonrpc_error error = {0};

	(void)state;
	reply_is(jsonrpc_result_reply(text_id, result),
		 "{\"jsonrpc\":\"2.0\",\"result\":\"ok\",\"id\":\"7\"}");
	reply_is(jsonrpc_result_reply(number_id, NULL),
		 "{\"jsonrpc\":\"2.0\",\"result\":null,\"id\":8}");
	jsonrpc_error_set(&error, 403, json_pack("{s:[s]}", "allowed_domains", ".local"), "not %s",
			  "allowed");
	reply_is(jsonrpc_error_reply(number_id, &error),
		 "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":403,\"message\":\"not allowed\","
		 "\"data\":{\"allowed_domains\":[\".local\"]}},\"id\":8}");
	jsonrpc_error_set(&error, JSONRPC_PARSE_ERROR, NULL, "JSON required");
	reply_is(jsonrpc_error_reply(NULL, &error),
		 "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700,\"message\":\"JSON required\"},"
		 "\"id\":null}");
	jsonrpc_error_clear(&error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recorded_request), cmocka_unit_test(test_ids),
		cmocka_unit_test(test_not_json),         cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_replies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
