// SPDX-License-Identifier: BSD-2-Clause
/* Calls within one session: what they carry, and the ways in which they end. */
#include "tests/unit/common/grpc/fixture.h"

#include <errno.h>

static void exchange(bool tls, size_t length)
{
	struct fixture *f = setup(tls, 0, NULL);
	struct end end = {0};
	uint8_t *data = malloc(length + 1);

	for (size_t i = 0; i < length; i++)
		data[i] = (uint8_t)(i * 7 + i / 251);
	f->echo = true;
	open_call(f, &end, 5000);
	assert_int_equal(grpc_call_send(end.call, data, length), 0);
	grpc_call_finish(end.call);
	until(f, &end.closed);
	assert_int_equal(end.status, GRPC_OK);
	assert_true(end.accepted);
	assert_int_equal(end.n_messages, 1);
	assert_int_equal(end.last_length, length);
	assert_memory_equal(end.last, data, length);
	turn(f, 20);
	assert_int_equal(grpc_session_n_calls(f->client), 0);
	assert_int_equal(grpc_session_n_calls(f->server), 0);
	free(data);
	free(end.last);
	teardown(f);
}

static void test_small(void **state)
{
	(void)state;
	exchange(false, 100);
	exchange(false, 0);
}

/* Far above the flow-control windows of either side's defaults. */
static void test_big(void **state)
{
	(void)state;
	exchange(false, BIG);
	exchange(false, GRPC_MESSAGE_MAX);
}

static void test_tls(void **state)
{
	(void)state;
	exchange(true, 100);
	exchange(true, BIG);
}

static void test_too_long(void **state)
{
	struct fixture *f = setup(false, 0, NULL);
	struct end end = {0};
	uint8_t *data = calloc(1, GRPC_MESSAGE_MAX + 1);

	(void)state;
	open_call(f, &end, 0);
	assert_int_equal(grpc_call_send(end.call, data, GRPC_MESSAGE_MAX + 1), -EMSGSIZE);
	grpc_call_cancel(end.call);
	free(data);
	teardown(f);
}

/* A bidirectional stream: many messages both ways on one call. */
static void test_stream(void **state)
{
	struct fixture *f = setup(true, 0, NULL);
	struct end end = {0};
	uint8_t data[1000] = {0};

	(void)state;
	f->echo = true;
	open_call(f, &end, 0);
	for (int i = 0; i < 200; i++) {
		data[0] = (uint8_t)i;
		assert_int_equal(grpc_call_send(end.call, data, sizeof(data)), 0);
		if (i % 10 == 0)
			turn(f, 2);
	}
	grpc_call_finish(end.call);
	until(f, &end.closed);
	assert_int_equal(end.n_messages, 200);
	assert_int_equal(end.last[0], 199);
	free(end.last);
	teardown(f);
}

static void test_unknown_method(void **state)
{
	struct fixture *f = setup(false, 0, NULL);
	struct end end = {0};

	(void)state;
	assert_int_equal(grpc_call_open(f->client, "/Other/Call", 0, &call_ops, &end, &end.call),
			 0);
	until(f, &end.closed);
	assert_int_equal(end.status, GRPC_UNIMPLEMENTED);
	teardown(f);
}

static void test_status_text(void **state)
{
	static const char text[] = "100 % größer\n";
	struct fixture *f = setup(false, 0, NULL);
	struct end end = {0};

	(void)state;
	open_call(f, &end, 0);
	while (f->n_server_ends == 0)
		turn(f, 5);
	grpc_call_end(f->server_ends[0].call, GRPC_UNKNOWN, text);
	until(f, &end.closed);
	assert_int_equal(end.status, GRPC_UNKNOWN);
	assert_string_equal(end.text, "100 % größer?");
	teardown(f);
}

static void test_cancel(void **state)
{
	struct fixture *f = setup(false, 0, NULL);
	struct end end = {0}, unsent = {0};

	(void)state;
	open_call(f, &end, 0);
	assert_int_equal(grpc_call_send(end.call, (const uint8_t *)"x", 1), 0);
	open_call(f, &unsent, 0);
	grpc_call_cancel(unsent.call); /* before its headers went out */
	while (f->n_server_ends == 0 || f->server_ends[0].n_messages == 0)
		turn(f, 5);
	grpc_call_cancel(end.call);
	until(f, &f->server_ends[0].closed);
	assert_int_equal(f->server_ends[0].status, GRPC_CANCELLED);
	assert_false(end.closed);
	turn(f, 20);
	assert_int_equal(grpc_session_n_calls(f->client), 0);
	assert_int_equal(f->n_server_ends, 1);
	teardown(f);
}

static void test_deadline(void **state)
{
	struct fixture *f = setup(false, 0, NULL);
	struct end end = {0};

	(void)state;
	open_call(f, &end, 60);
	until(f, &end.closed);
	assert_int_equal(end.status, GRPC_DEADLINE_EXCEEDED);
	until(f, &f->server_ends[0].closed);
	turn(f, 20);
	assert_int_equal(grpc_session_n_calls(f->client), 0);
	assert_int_equal(grpc_session_n_calls(f->server), 0);
	teardown(f);
}

/* More calls than the server allows at once wait for their turn. */
static void test_concurrency(void **state)
{
	struct fixture *f = setup(false, 0, NULL);
	struct end ends[14] = {{0}};

	(void)state;
	f->echo = true;
	turn(f, 5);
	for (int i = 0; i < 14; i++) {
		open_call(f, &ends[i], 0);
		assert_int_equal(grpc_call_send(ends[i].call, (const uint8_t *)"x", 1), 0);
	}
	turn(f, 50);
	assert_int_equal(f->n_server_ends, 8);
	for (int i = 0; i < 14; i++)
		if (!ends[i].closed)
			grpc_call_finish(ends[i].call);
	for (int i = 0; i < 14; i++) {
		until(f, &ends[i].closed);
		assert_int_equal(ends[i].status, GRPC_OK);
		free(ends[i].last);
	}
	teardown(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small),       cmocka_unit_test(test_big),
		cmocka_unit_test(test_tls),         cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_stream),      cmocka_unit_test(test_unknown_method),
		cmocka_unit_test(test_status_text), cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_deadline),    cmocka_unit_test(test_concurrency),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
