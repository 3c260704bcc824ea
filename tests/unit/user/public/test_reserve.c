// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/timestamp.h"
#include "tests/unit/user/fakes.h"
#include "user/public/service.h"
#include "user/wire/token_text.h"

#include <stdio.h>
#include <unistd.h>

static struct mailbox *workers[3] = {(struct mailbox *)"0", (struct mailbox *)"1",
				     (struct mailbox *)"2"};
static struct crew crew;
static struct public_service service;

static int start(void **state)
{
	const struct reservations_limits reservations = {
		.valid_ms = 10000, .total = 100, .per_operator = 8};
	const struct announcements_limits limits = {.total = 10, .per_owner = 10};
	const struct stored record = {"a.org", "", "priv", timestamp_now() + 1500};

	(void)state;
	crew = (struct crew){.boxes = workers, .n = 3};
	service = (struct public_service){
		.name = "pub",
		.crew = &crew,
		.reservations = reservations_new(&reservations),
		.endpoint = "pub.example:9999",
		.valid_ms = 2500,
	};
	assert_int_equal(announcements_new(NULL, &limits, timestamp_now(), &service.announcements),
			 0);
	assert_int_equal(announcements_put(service.announcements, &record), 1);
	return announcements_commit(service.announcements) != 1;
}

static int end(void **state)
{
	(void)state;
	announcements_free(service.announcements);
	reservations_free(service.reservations);
	return n_fake_mail != 0;
}

static struct jsonrpc_call ask(const char *name, bool settings, json_t *count)
{
	json_t *entry = settings ? json_pack("{s:[{s:s, s:{}}]}", "settings", "service", "proxy",
					     "settings")
				 : json_object();
	struct jsonrpc_call call =
		fake_call("reserveConnections", json_pack("{s:o*, s:{s:s, s:o}}", "count", count,
							  "_client", "name", name, "entry", entry));

	public_service_call(&service, &call);
	return call;
}

/* The workers have each token, in turn, from `first` on. */
static void assert_tokens(struct jsonrpc_call *call, size_t n, unsigned first)
{
	const json_t *tokens = json_object_get(call->result, "tokens");

	assert_int_equal(call->answers, 1);
	assert_int_equal(json_array_size(tokens), n);
	assert_int_equal(n_fake_mail, n);
	assert_string_equal(json_string_value(json_object_get(call->result, "endpoint")),
			    "pub.example:9999");
	assert_true(json_number_value(json_object_get(call->result, "expires_in")) == 2.5);
	for (size_t i = 0; i < n; i++) {
		uint8_t token[TOKEN_BYTES];
		struct mailbox *to;
		struct mail *mail = fake_take_mail(&to);

		assert_int_equal(
			token_text_decode(json_string_value(json_array_get(tokens, i)), token), 0);
		assert_int_equal(mail->type, MAIL_RESERVATION);
		assert_ptr_equal(to, workers[(first + i) % 3]);
		assert_int_equal(token[0] % 3, (first + i) % 3);
		assert_memory_equal(mail->u.reservation.token, token, TOKEN_BYTES);
		assert_string_equal(mail->u.reservation.operator, "priv");
		assert_int_equal(mail->u.reservation.valid_ms, 2500);
		mail_free(mail);
	}
	fake_call_clear(call);
}

static void tokens_go_to_each_worker_in_turn(void **state)
{
	(void)state;
	struct jsonrpc_call call = ask("priv", true, json_integer(4));
	assert_tokens(&call, 4, 0);
	/* As it comes out of a protobuf Struct. */
	call = ask("priv", true, json_real(2));
	assert_tokens(&call, 2, 1);
	call = ask("priv", true, json_integer(64));
	assert_tokens(&call, 2, 0); /* the limit */
	call = ask("priv", true, json_integer(1));
	assert_tokens(&call, 0, 0);
	reservations_shown(service.reservations, "priv");
	call = ask("priv", true, json_integer(2));
	assert_tokens(&call, 1, 2);
}

static void who_may_not_announce_may_not_reserve(void **state)
{
	(void)state;
	struct jsonrpc_call call = ask("priv", false, json_integer(4));
	assert_answer(&call, "{\"code\": 403, \"message\": \"not authorized\"}");
	call = ask("other", true, json_integer(4));
	assert_answer(&call, "{\"code\": 404, \"message\": \"no matching announcement\"}");
	usleep(1510000);
	call = ask("priv", true, json_integer(4)); /* it has expired */
	assert_answer(&call, "{\"code\": 404, \"message\": \"no matching announcement\"}");
}

static void the_count_is_checked(void **state)
{
	json_t *wrong[] = {json_integer(0), json_integer(65), json_integer(-1),
			   json_real(1.5),  json_string("4"), json_real(1e300)};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct jsonrpc_call call = ask("priv", true, wrong[i]);
		assert_int_equal(call.error.code, -32602);
		assert_string_equal(json_string_value(json_object_get(call.error.data, "message")),
				    "invalid input data: count(is not an integer from 1 to 64)");
		fake_call_clear(&call);
	}
	struct jsonrpc_call call = fake_call("reserveConnections", json_object());
	public_service_call(&service, &call);
	assert_string_equal(json_string_value(json_object_get(call.error.data, "message")),
			    "invalid input data: _client(is required), count(is required)");
	fake_call_clear(&call);
}

static void none_are_given_at_the_end(void **state)
{
	(void)state;
	service.stopping = true;
	struct jsonrpc_call call = ask("priv", true, json_integer(4));
	assert_tokens(&call, 0, 0);
	service.stopping = false;
	crew.n = 0;
	call = ask("priv", true, json_integer(4));
	assert_tokens(&call, 0, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tokens_go_to_each_worker_in_turn),
		TEST(who_may_not_announce_may_not_reserve),
		TEST(the_count_is_checked),
		TEST(none_are_given_at_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
