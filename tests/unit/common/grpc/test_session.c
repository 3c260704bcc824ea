// SPDX-License-Identifier: BSD-2-Clause
/* How a session ends, and what its calls are told. */
#include "tests/unit/common/grpc/fixture.h"

#include <errno.h>
#include <unistd.h>

static void test_connection_lost(void **state)
{
	struct fixture *f = setup(true, 0, NULL);
	struct end end = {0};

	(void)state;
	open_call(f, &end, 0);
	while (f->n_server_ends == 0)
		turn(f, 5);
	/*
	 * A message there and one back: each side has read all that the other had to say before,
	 * such as the answer to its SETTINGS. A client that still has to write it, and fails,
	 * may not read GOAWAY.
	 */
	assert_int_equal(grpc_call_send(f->server_ends[0].call, (const uint8_t *)"x", 1), 0);
	while (end.n_messages == 0)
		turn(f, 5);
	assert_int_equal(grpc_call_send(end.call, (const uint8_t *)"y", 1), 0);
	while (f->server_ends[0].n_messages == 0)
		turn(f, 5);
	/* What it says last is still in the buffers when it goes. */
	assert_int_equal(grpc_call_send(f->server_ends[0].call, (const uint8_t *)"z", 1), 0);
	grpc_session_free(f->server, "going");
	f->server = NULL;
	assert_int_equal(f->server_ends[0].status, GRPC_UNAVAILABLE);
	until(f, &end.closed);
	assert_int_equal(end.status, GRPC_UNAVAILABLE);
	assert_int_equal(end.n_messages, 2);
	until(f, &f->client_closed);
	assert_true(f->client_draining); /* it was told, by GOAWAY */
	free(end.last);
	teardown(f);
}

static void test_free_in_callback(void **state)
{
	struct fixture *f = setup(true, 0, NULL);
	struct end end = {0};

	(void)state;
	f->free_on_message = true;
	open_call(f, &end, 0);
	assert_int_equal(grpc_call_send(end.call, (const uint8_t *)"x", 1), 0);
	struct grpc_session *server = f->server;
	f->server = NULL; /* freed by on_message */
	until(f, &end.closed);
	assert_int_equal(end.status, GRPC_UNAVAILABLE);
	assert_non_null(server);
	teardown(f);
}

/* GOAWAY with the call's stream still served: it ends well, new ones are refused at once. */
static void test_goaway(void **state)
{
	int fd;
	struct fixture *f = setup(false, 0, &fd);
	struct end end = {0};
	static const uint8_t frames[] = {
		0, 0, 0, 4, 0, 0, 0, 0, 0,                         /* SETTINGS */
		0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, /* GOAWAY, last stream 1 */
	};

	(void)state;
	open_call(f, &end, 0);
	turn(f, 10);
	assert_int_equal(write(fd, frames, sizeof(frames)), sizeof(frames));
	until(f, &f->client_draining);
	assert_false(end.closed);
	assert_false(grpc_session_is_usable(f->client));
	assert_int_equal(grpc_call_open(f->client, GRPC_HYPER_CALL, 0, &call_ops, &end, &end.call),
			 -ENOTCONN);
	close(fd);
	until(f, &end.closed);
	assert_int_equal(end.status, GRPC_UNAVAILABLE);
	teardown(f);
}

/* A peer that has vanished without a word. */
static void test_ping(void **state)
{
	int fd;
	struct fixture *f = setup(false, 100, &fd);
	struct end end = {0};

	(void)state;
	open_call(f, &end, 0);
	until(f, &f->client_closed);
	assert_non_null(strstr(f->client_reason, "PING"));
	assert_int_equal(end.status, GRPC_UNAVAILABLE);
	close(fd);
	teardown(f);
}

static void test_garbage(void **state)
{
	int fd;
	struct fixture *f = setup(false, 0, &fd);
	struct end end = {0};

	(void)state;
	open_call(f, &end, 0);
	assert_int_equal(write(fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28), 28);
	until(f, &f->client_closed);
	assert_true(end.closed);
	close(fd);
	teardown(f);
}

/* A server that never reads: what waits for it is bounded. */
static void test_back_pressure(void **state)
{
	int fd;
	struct fixture *f = setup(false, 0, &fd);
	struct end end = {0};
	uint8_t *data = calloc(1, BIG);
	int sent = 0, r;

	(void)state;
	open_call(f, &end, 0);
	while ((r = grpc_call_send(end.call, data, BIG)) == 0 && sent++ < 1000)
		turn(f, 1);
	assert_int_equal(r, -ENOBUFS);
	assert_in_range(sent, 16, 40);
	close(fd);
	until(f, &end.closed);
	free(data);
	teardown(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connection_lost), cmocka_unit_test(test_free_in_callback),
		cmocka_unit_test(test_goaway),          cmocka_unit_test(test_ping),
		cmocka_unit_test(test_garbage),         cmocka_unit_test(test_back_pressure),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
