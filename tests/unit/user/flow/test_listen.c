// SPDX-License-Identifier: BSD-2-Clause
/* A worker's listening sockets. */
#include "tests/unit/user/flow/fixture.h"

#include "user/flow/listen.h"
#include "user/flow/rate_gate.h"

static unsigned n_accepted;

static void count_accepted(struct worker *one, int fd, const struct addr *peer)
{
	(void)one;
	assert_int_equal(peer->sa.ss_family, AF_INET);
	close(fd);
	n_accepted++;
}

static struct addr free_address(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct addr ret = {.len = sizeof(ret.sa)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&ret.sa, &ret.len), 0);
	close(fd);
	return ret;
}

/* 0, or the errno of it. */
static int try_to_connect(const struct addr *addr)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int r = connect(fd, (const struct sockaddr *)&addr->sa, addr->len) < 0 ? errno : 0;

	close(fd);
	return r;
}

static void accepts_until_it_is_closed(void **state)
{
	struct addr addr = free_address();

	(void)state;
	n_accepted = 0;
	assert_int_equal(listen_probe(&addr), 0);
	assert_int_equal(listen_open(worker, &addr, NULL, count_accepted), 0);
	assert_int_equal(try_to_connect(&addr), 0);
	assert_int_equal(try_to_connect(&addr), 0);
	turn(worker);
	assert_int_equal(n_accepted, 2);
	listen_close_all(worker);
	assert_int_equal(try_to_connect(&addr), ECONNREFUSED);
	turn(worker);
	assert_int_equal(n_accepted, 2);
}

/* Workers share a port; a stranger's is told apart by the probe. */
static void who_has_the_port(void **state)
{
	struct addr addr = free_address();

	(void)state;
	assert_int_equal(listen_open(worker, &addr, NULL, count_accepted), 0);
	assert_int_equal(listen_open(workers.list[1], &addr, NULL, count_accepted), 0);
	assert_int_equal(listen_probe(&addr), -EADDRINUSE);
}

/* Whoever comes too often is reset, and counted. */
static void behind_a_gate(void **state)
{
	json_t *limits = json_pack("[{s:s, s:i}]", "type", "hour", "limit", 1);
	struct addr addr = free_address();
	struct rate_gate *gate;

	(void)state;
	n_accepted = 0;
	assert_int_equal(rate_gate_new(limits, &gate), 0);
	assert_non_null(gate);
	assert_int_equal(listen_open(worker, &addr, gate, count_accepted), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(try_to_connect(&addr), 0);
	turn(worker);
	assert_int_equal(n_accepted, 1);
	assert_int_equal(counted(COUNTER_COMPLAINTS + COMPLAINT_RATE), 2);
	rate_gate_free(gate);
	json_decref(limits);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WORKER_TEST(accepts_until_it_is_closed),
		WORKER_TEST(who_has_the_port),
		WORKER_TEST(behind_a_gate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
