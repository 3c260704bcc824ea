// SPDX-License-Identifier: BSD-2-Clause
/* A worker with its thread: it listens, it works, it ends. */
#include "tests/unit/user/flow/fixture.h"

#include <poll.h>

static void ends_when_it_is_dismissed(void **state)
{
	(void)state;
	for (unsigned i = 0; i < WORKERS; i++)
		assert_int_equal(worker_start(workers.list[i]), 0);
	for (unsigned i = 0; i < WORKERS; i++) {
		mailbox_stop(workers.list[i]->box, 0, true);
		worker_join(workers.list[i]);
		assert_true(atomic_load(&workers.list[i]->ended));
	}
}

/* A pair lives on until the grace is over; another thread reads the counters meanwhile. */
static void a_pair_has_its_grace(void **state)
{
	struct connection *connection = connection_new(worker);
	int outside[2], inside[2];

	(void)state;
	connect_pair(outside);
	connect_pair(inside);
	connection->stream.ends[SIDE_OUTSIDE].watch.fd = outside[1];
	connection->stream.ends[SIDE_INSIDE].watch.fd = inside[1];
	connection_move(connection, CONNECTION_PEEK);
	connection_move(connection, CONNECTION_PAIR);
	assert_int_equal(worker_start(worker), 0);
	mailbox_stop(worker->box, 300, true);
	assert_int_equal(write(outside[0], "late", 4), 4);
	assert_reads(inside[0], "late", 4);
	assert_int_equal(counted(COUNTER_PAIRED), 1);
	worker_join(worker);
	assert_int_equal(counted(COUNTER_ENDED + ENDING_STOPPED), 1);
	assert_int_equal(counted(COUNTER_OPEN), 0);
	assert_int_equal(counted(COUNTER_BYTES_UP), 4);
	assert_reset(outside[0]);
	assert_reset(inside[0]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WORKER_TEST(ends_when_it_is_dismissed),
		WORKER_TEST(a_pair_has_its_grace),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
