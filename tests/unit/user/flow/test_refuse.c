// SPDX-License-Identifier: BSD-2-Clause
/* Whoever is refused can read why, and does not stay. */
#include "tests/unit/user/flow/fixture.h"

static const uint8_t unrecognized_name[] = {21, 3, 3, 0, 2, 2, 112};

static void reads_the_alert_and_goes(void **state)
{
	int fd = client_for("unknown.example.org");
	char byte;

	(void)state;
	assert_int_equal(in_state(CONNECTION_REFUSE), 1);
	assert_reads(fd, unrecognized_name, sizeof(unrecognized_name));
	assert_int_equal(read(fd, &byte, 1), 0);
	close(fd);
	turn(worker);
	assert_int_equal(counted(COUNTER_OPEN), 0);
	assert_int_equal(counted(COUNTER_ENDED + ENDING_NOT_ANNOUNCED), 1);
	assert_int_equal(counted(COUNTER_HELLOS), 1);
}

static void not_tls(void **state)
{
	struct addr client = some_client();
	int fds[2];

	(void)state;
	connect_pair(fds);
	assert_int_equal(write(fds[0], "GET / HTTP/1.1\r\n", 16), 16);
	peek_accepted(worker, fds[1], &client);
	turn(worker);
	assert_reads(fds[0], unrecognized_name, sizeof(unrecognized_name));
	close(fds[0]);
	turn(worker);
	assert_int_equal(counted(COUNTER_ENDED + ENDING_NOT_TLS), 1);
	assert_int_equal(counted(COUNTER_HELLOS), 0);
}

/* Its name is not wanted any more, but it stays. */
static void is_sent_away(void **state)
{
	int fd = client_for("unknown.example.org");

	(void)state;
	time_goes_by(worker, NS_PER_S);
	assert_int_equal(in_state(CONNECTION_REFUSE), 1);
	time_goes_by(worker, 3 * NS_PER_S);
	assert_int_equal(counted(COUNTER_OPEN), 0);
	assert_int_equal(counted(COUNTER_ENDED + ENDING_NOT_ANNOUNCED), 1);
	close(fd);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WORKER_TEST(reads_the_alert_and_goes),
		WORKER_TEST(not_tls),
		WORKER_TEST(is_sent_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
