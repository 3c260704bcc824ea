// SPDX-License-Identifier: BSD-2-Clause
/* A client has connected, and may say who it is for. */
#include "tests/unit/user/flow/fixture.h"

static void a_hello_in_two_parts(void **state)
{
	struct addr client = some_client();
	uint8_t hello[300];
	size_t n = make_hello("www.example.org", hello);
	int fds[2];

	(void)state;
	announce("www.example.org", "private-1");
	connect_pair(fds);
	peek_accepted(worker, fds[1], &client);
	assert_int_equal(write(fds[0], hello, 20), 20);
	turn(worker);
	assert_int_equal(in_state(CONNECTION_PEEK), 1);
	assert_int_equal(counted(COUNTER_HELLOS), 0);
	assert_int_equal(write(fds[0], hello + 20, n - 20), n - 20);
	turn(worker);
	assert_int_equal(in_state(CONNECTION_RENDEZVOUS), 1);
	assert_int_equal(counted(COUNTER_ACCEPTED), 1);
	assert_int_equal(counted(COUNTER_HELLOS), 1);
	mail_free(told());
	close(fds[0]);
}

static void silence_ends(void **state)
{
	struct addr client = some_client();
	int fds[2];

	(void)state;
	connect_pair(fds);
	peek_accepted(worker, fds[1], &client);
	time_goes_by(worker, 4 * NS_PER_S);
	assert_int_equal(in_state(CONNECTION_PEEK), 1);
	time_goes_by(worker, 6 * NS_PER_S);
	assert_int_equal(counted(COUNTER_OPEN), 0);
	assert_int_equal(counted(COUNTER_ENDED + ENDING_HELLO_LATE), 1);
	close(fds[0]);
}

static void gone_before_the_hello(void **state)
{
	struct addr client = some_client();
	const struct linger now = {1, 0};
	int fds[2];

	(void)state;
	connect_pair(fds);
	peek_accepted(worker, fds[1], &client);
	close(fds[0]);
	turn(worker);
	assert_int_equal(counted(COUNTER_ENDED + ENDING_HELLO_CLOSED), 1);
	connect_pair(fds);
	peek_accepted(worker, fds[1], &client);
	assert_int_equal(setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	close(fds[0]);
	turn(worker);
	assert_int_equal(counted(COUNTER_ENDED + ENDING_HELLO_RESET), 1);
}

/* Each way of being turned away at once is counted. */
static void over_a_limit(void **state)
{
	static const unsigned complaints[] = {COMPLAINT_HALF_OPEN, COMPLAINT_HALF_OPEN_SOURCE,
					      COMPLAINT_CONNECTIONS};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct config *config = new_config();
		struct addr client = some_client();
		char byte;
		int fds[2];

		if (i == 0)
			config->half_open = 0;
		if (i == 1)
			config->half_open_per_source = 0;
		if (i == 2)
			config->connections = 0;
		worker_configure(worker, config);
		connect_pair(fds);
		peek_accepted(worker, fds[1], &client);
		assert_int_equal(read(fds[0], &byte, 1), 0);
		assert_int_equal(counted(COUNTER_COMPLAINTS + complaints[i]), 1);
		close(fds[0]);
	}
	assert_int_equal(counted(COUNTER_ACCEPTED), 0);
}

static void a_stop_closes_it(void **state)
{
	struct addr client = some_client();
	int fds[2];

	(void)state;
	connect_pair(fds);
	peek_accepted(worker, fds[1], &client);
	mailbox_stop(worker->box, 1000, false);
	turn(worker);
	assert_int_equal(counted(COUNTER_ENDED + ENDING_STOPPED), 1);
	assert_int_equal(counted(COUNTER_OPEN), 0);
	assert_reset(fds[0]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WORKER_TEST(a_hello_in_two_parts),  WORKER_TEST(silence_ends),
		WORKER_TEST(gone_before_the_hello), WORKER_TEST(over_a_limit),
		WORKER_TEST(a_stop_closes_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
