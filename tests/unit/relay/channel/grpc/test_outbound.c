// SPDX-License-Identifier: BSD-2-Clause
#include "relay/channel/grpc/outbound.h"

#include "common/base/cleanup.h"
#include "relay/bus/broker.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct outcome {
	unsigned n;
	int r, code;
	char text[256];
	json_t *result;
};

static void on_done(int r, json_t *result, const struct jsonrpc_error *error, void *arg)
{
	struct outcome *outcome = arg;

	outcome->n++;
	outcome->r = r;
	outcome->code = error ? error->code : 0;
	outcome->result = json_incref(result);
	snprintf(outcome->text, sizeof(outcome->text), "%s", error ? error->message : "");
}

static void test_encode(void **state)
{
	AUTO_JSON json_t *settings = json_pack("{s:s}", "name", "self");
	AUTO_JSON json_t *params = json_pack("{s:i}", "n", 7);
	const struct message message = {"self", "peer", "echo", "peer.echo(1)", params};
	const struct broker_config config = {.base = event_base_new(), .settings = settings};
	AUTO_FREE uint8_t *data = NULL;
	struct grpc_request request;
	struct broker *broker;
	size_t length;

	(void)state;
	assert_int_equal(broker_new(&config, &broker), 0);
	assert_int_equal(grpc_outbound_encode(broker, &message, &data, &length), 0);
	assert_int_equal(grpc_request_decode(data, length, &request), 0);
	assert_string_equal(request.method, "peer.echo");
	assert_string_equal(request.id, "peer.echo(1)");
	assert_string_equal(request.client_name, "self");
	assert_true(json_equal(request.params, params));
	grpc_request_clear(&request);
	broker_free(broker);
	event_base_free(config.base);
}

static void test_fail(void **state)
{
	struct outcome outcome = {0};

	(void)state;
	grpc_outbound_fail(-EHOSTUNREACH, on_done, &outcome, "operator '%s' is away", "peer");
	assert_int_equal(outcome.n, 1);
	assert_int_equal(outcome.r, -EHOSTUNREACH);
	assert_int_equal(outcome.code, 1);
	assert_string_equal(outcome.text, "operator 'peer' is away");
}

static void test_unsendable(void **state)
{
	static const struct {
		int r;
		const char *why;
	} cases[] = {
		{-EMSGSIZE, "it is too long"},
		{-ENOBUFS, "takes no more data"},
		{-ERANGE, "beyond 2^53"},
		{-ELOOP, "nested too deep"},
		{-EINVAL, "NUL"},
		{-EPIPE, "Broken pipe"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct outcome outcome = {0};
		grpc_outbound_unsendable(cases[i].r, on_done, &outcome);
		assert_int_equal(outcome.n, 1);
		assert_int_equal(outcome.r, cases[i].r);
		assert_non_null(strstr(outcome.text, cases[i].why));
	}
}

static void test_answer(void **state)
{
	AUTO_JSON json_t *wrapped = json_pack("{s:[i]}", "_", 7);
	struct grpc_response response = {.id = (char *)"1", .result = wrapped};
	struct outcome outcome = {0};

	(void)state;
	grpc_outbound_answer(&response, on_done, &outcome);
	assert_int_equal(outcome.r, 0);
	assert_int_equal(json_integer_value(json_array_get(outcome.result, 0)), 7);
	json_decref(outcome.result);
	/* An error counts, whatever is said besides. */
	response.has_error = true;
	response.error = (struct jsonrpc_error){403, (char *)"no", NULL};
	grpc_outbound_answer(&response, on_done, &outcome);
	assert_int_equal(outcome.r, -EPROTO);
	assert_int_equal(outcome.code, 403);
	assert_string_equal(outcome.text, "no");
	/* Neither: the result is null. */
	response = (struct grpc_response){.id = (char *)"1"};
	grpc_outbound_answer(&response, on_done, &outcome);
	assert_int_equal(outcome.r, 0);
	assert_true(json_is_null(outcome.result));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_fail),
		cmocka_unit_test(test_unsendable),
		cmocka_unit_test(test_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
