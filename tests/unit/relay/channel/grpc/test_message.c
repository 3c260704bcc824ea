// SPDX-License-Identifier: BSD-2-Clause
/* Request and Response there and back; recorded ones of others are in test_struct.c. */
#include "relay/channel/grpc/message.h"

#include "common/base/cleanup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_request(void **state)
{
	AUTO_JSON json_t *params =
		json_pack("{s:s, s:[i,b,n], s:{}}", "domain", "a.example", "list", 7, 1, "empty");
	AUTO_FREE uint8_t *data = NULL;
	struct grpc_request request;
	size_t length;

	(void)state;
	assert_int_equal(
		grpc_request_encode("op.method", "op.method(1)", "me", params, &data, &length), 0);
	assert_int_equal(grpc_request_decode(data, length, &request), 0);
	assert_string_equal(request.method, "op.method");
	assert_string_equal(request.id, "op.method(1)");
	assert_string_equal(request.client_name, "me");
	assert_true(json_equal(request.params, params));
	grpc_request_clear(&request);
	assert_null(request.method);
}

/* What is missing is empty, not absent. */
static void test_empty(void **state)
{
	struct grpc_request request;
	struct grpc_response response;

	(void)state;
	assert_int_equal(grpc_request_decode((const uint8_t *)"", 0, &request), 0);
	assert_string_equal(request.method, "");
	assert_string_equal(request.client_name, "");
	assert_int_equal(json_object_size(request.params), 0);
	grpc_request_clear(&request);
	assert_int_equal(grpc_response_decode((const uint8_t *)"", 0, &response), 0);
	assert_string_equal(response.id, "");
	assert_null(response.result);
	assert_false(response.has_error);
	grpc_response_clear(&response);
}

static void test_result(void **state)
{
	AUTO_JSON json_t *text = json_string("ok"), *object = json_pack("{s:i}", "n", 7);
	AUTO_JSON json_t *wrapped = json_pack("{s:s}", "_", "ok");
	AUTO_FREE uint8_t *first = NULL, *second = NULL;
	struct grpc_response response;
	size_t length;

	(void)state;
	assert_int_equal(grpc_response_encode_result("id", text, &first, &length), 0);
	assert_int_equal(grpc_response_decode(first, length, &response), 0);
	assert_string_equal(response.id, "id");
	assert_true(json_equal(response.result, wrapped));
	assert_false(response.has_error);
	grpc_response_clear(&response);
	assert_int_equal(grpc_response_encode_result("id", object, &second, &length), 0);
	assert_int_equal(grpc_response_decode(second, length, &response), 0);
	assert_true(json_equal(response.result, object));
	grpc_response_clear(&response);
}

static void test_error(void **state)
{
	AUTO_JSON json_t *data = json_pack("{s:[s]}", "allowed", ".local");
	struct jsonrpc_error error = {-32000, (char *)"no", data};
	AUTO_FREE uint8_t *first = NULL, *second = NULL;
	struct grpc_response response;
	size_t length;

	(void)state;
	assert_int_equal(grpc_response_encode_error("id", &error, &first, &length), 0);
	assert_int_equal(grpc_response_decode(first, length, &response), 0);
	assert_true(response.has_error);
	assert_int_equal(response.error.code, -32000);
	assert_string_equal(response.error.message, "no");
	assert_true(json_equal(response.error.data, data));
	assert_null(response.result);
	grpc_response_clear(&response);
	/* Data that cannot cross does not keep the error from crossing. */
	AUTO_JSON json_t *large = json_pack("{s:I}", "n", (json_int_t)1 << 60);
	error.data = large;
	assert_int_equal(grpc_response_encode_error("id", &error, &second, &length), 0);
	assert_int_equal(grpc_response_decode(second, length, &response), 0);
	assert_int_equal(response.error.code, -32000);
	grpc_response_clear(&response);
}

static void test_what_cannot_cross(void **state)
{
	AUTO_JSON json_t *large = json_pack("{s:I}", "n", (json_int_t)1 << 60);
	AUTO_JSON json_t *list = json_array(), *nul = json_pack("{s:s%}", "n", "a\0b", (size_t)3);
	uint8_t *data = NULL;
	size_t length;

	(void)state;
	assert_int_equal(grpc_request_encode("m", "i", "c", large, &data, &length), -ERANGE);
	assert_int_equal(grpc_request_encode("m", "i", "c", list, &data, &length), -EINVAL);
	if (nul)
		assert_int_equal(grpc_request_encode("m", "i", "c", nul, &data, &length), -EINVAL);
	assert_null(data);
}

/* Text that is not UTF-8, or has a NUL, would not survive as JSON. */
static void test_bad_text(void **state)
{
	static const char not_utf8[] = "\x0a\x01\xff", nul[] = "\x0a\x03"
							       "a\0b";
	struct grpc_request request = {.id = (char *)"untouched"};
	struct grpc_response response;

	(void)state;
	assert_int_equal(
		grpc_request_decode((const uint8_t *)not_utf8, sizeof(not_utf8) - 1, &request),
		-EBADMSG);
	assert_int_equal(grpc_request_decode((const uint8_t *)nul, sizeof(nul) - 1, &request),
			 -EBADMSG);
	assert_string_equal(request.id, "untouched");
	assert_int_equal(
		grpc_response_decode((const uint8_t *)not_utf8, sizeof(not_utf8) - 1, &response),
		-EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_result),
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_what_cannot_cross),
		cmocka_unit_test(test_bad_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
