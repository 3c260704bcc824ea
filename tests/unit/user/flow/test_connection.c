// SPDX-License-Identifier: BSD-2-Clause
/* How a connection moves: what is called, in which order, and what is not allowed. */
#include "tests/unit/user/flow/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

static char trace[256];

static void note(const char *text)
{
	strcat(trace, text);
}

static void a_enter(struct connection *connection)
{
	(void)connection;
	note("+a");
}

static void a_leave(struct connection *connection)
{
	assert_int_equal(connection->state, CONNECTION_PEEK);
	note("-a");
}

static void a_ready(struct connection *connection, int side, uint32_t events)
{
	(void)connection;
	snprintf(trace, sizeof(trace), "ready %d %x", side, events);
}

static void a_deadline(struct connection *connection)
{
	note("!");
	connection_move(connection, CONNECTION_RENDEZVOUS);
}

/* Has nothing to do there, and goes on at once. */
static void b_enter(struct connection *connection)
{
	assert_int_equal(connection->state, CONNECTION_RENDEZVOUS);
	note("+b");
	connection_refuse(connection, 80, ENDING_PENDING);
}

static void b_leave(struct connection *connection)
{
	(void)connection;
	note("-b");
}

static void c_enter(struct connection *connection)
{
	assert_int_equal(connection->alert, 80);
	assert_int_equal(connection->ending, ENDING_PENDING);
	note("+c");
}

static void closed_enter(struct connection *connection)
{
	assert_true(connection->reset);
	note("+closed");
}

static const struct state_ops none = {.name = "none", .next = TO(CONNECTION_PEEK)},
			      a = {.name = "a",
				   .next = TO(CONNECTION_RENDEZVOUS),
				   .enter = a_enter,
				   .leave = a_leave,
				   .ready = a_ready,
				   .deadline = a_deadline},
			      b = {.name = "b",
				   .next = TO(CONNECTION_REFUSE),
				   .enter = b_enter,
				   .leave = b_leave},
			      c = {.name = "c", .enter = c_enter},
			      closed = {.name = "closed", .enter = closed_enter};

/* In place of states.c. */
const struct state_ops *const state_table[CONNECTION_STATES] = {
	[CONNECTION_NEW] = &none,  [CONNECTION_PEEK] = &a,        [CONNECTION_RENDEZVOUS] = &b,
	[CONNECTION_DIAL] = &none, [CONNECTION_AHEAD] = &none,    [CONNECTION_PAIR] = &none,
	[CONNECTION_REFUSE] = &c,  [CONNECTION_CLOSED] = &closed,
};

static struct connection *begin(void)
{
	struct connection *connection = connection_new(worker);

	trace[0] = '\0';
	assert_non_null(connection);
	assert_int_equal(in_state(CONNECTION_NEW), 1);
	connection_move(connection, CONNECTION_PEEK);
	assert_string_equal(trace, "+a");
	return connection;
}

static void one_is_left_before_the_next_is_entered(void **state)
{
	struct connection *connection = begin();

	(void)state;
	connection_move(connection, CONNECTION_RENDEZVOUS);
	assert_string_equal(trace, "+a-a+b-b+c");
	assert_int_equal(in_state(CONNECTION_REFUSE), 1);
	connection_close(connection, true, ENDING_STOPPED);
	assert_string_equal(trace, "+a-a+b-b+c+closed");
	connection_close(connection, true, ENDING_STOPPED);
	assert_string_equal(trace, "+a-a+b-b+c+closed");
	connection_bury(worker);
	assert_int_equal(counted(COUNTER_OPEN), 0);
	assert_int_equal(atomic_load(&workers.connections), 0);
}

static void its_state_hears_of_time_and_sockets(void **state)
{
	struct connection *connection = begin();
	int fds[2];

	(void)state;
	connect_pair(fds);
	connection->stream.ends[SIDE_INSIDE].watch.fd = fds[1];
	assert_int_equal(connection_watch(connection, SIDE_INSIDE, EPOLLIN | EPOLLET), 0);
	assert_int_equal(write(fds[0], "x", 1), 1);
	turn(worker);
	assert_string_equal(trace, "ready 1 1");
	trace[0] = '\0';
	connection_arm(connection, clock_now() + NS_PER_S);
	time_goes_by(worker, NS_PER_S / 2);
	assert_string_equal(trace, "");
	time_goes_by(worker, 2 * NS_PER_S);
	assert_string_equal(trace, "!-a+b-b+c");
	connection_close(connection, true, ENDING_STOPPED);
	watch_close(&connection->stream.ends[SIDE_INSIDE].watch);
	close(fds[0]);
}

/* The deadline of one state is none of the next. */
static void a_move_disarms(void **state)
{
	struct connection *connection = begin();

	(void)state;
	connection_arm(connection, clock_now());
	connection_move(connection, CONNECTION_RENDEZVOUS);
	assert_false(connection->deadline.armed);
	connection_close(connection, true, ENDING_STOPPED);
}

static void assert_aborts(struct connection *connection, enum connection_state to)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		signal(SIGABRT, SIG_DFL); /* cmocka's would report it */
		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		connection_move(connection, to);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void other_moves_are_bugs(void **state)
{
	struct connection *connection = connection_new(worker);

	(void)state;
	assert_aborts(connection, CONNECTION_PAIR);
	assert_aborts(connection, CONNECTION_NEW);
	connection_move(connection, CONNECTION_PEEK);
	assert_aborts(connection, CONNECTION_PEEK);
	assert_aborts(connection, CONNECTION_REFUSE);
	connection_close(connection, true, ENDING_STOPPED);
	assert_aborts(connection, CONNECTION_PEEK);
	assert_aborts(connection, CONNECTION_CLOSED);
}

/* The limit is one of the process. */
static void no_more_than_the_limit(void **state)
{
	struct config *config = new_config();

	(void)state;
	config->connections = 3;
	worker_configure(worker, config);
	assert_non_null(connection_new(workers.list[1]));
	assert_non_null(connection_new(worker));
	assert_non_null(connection_new(worker));
	assert_null(connection_new(worker));
	assert_int_equal(counted(COUNTER_OPEN), 2);
	connection_close(TAILQ_FIRST(&worker->states[CONNECTION_NEW]), true, ENDING_STOPPED);
	assert_null(connection_new(worker)); /* closed, but not freed yet */
	connection_bury(worker);
	assert_non_null(connection_new(worker));
}

static int end(void **state)
{
	/* The states of this test close everything with RST. */
	trace[0] = '\0';
	return end_workers(state);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start_workers, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(one_is_left_before_the_next_is_entered),
		TEST(its_state_hears_of_time_and_sockets),
		TEST(a_move_disarms),
		TEST(other_moves_are_bugs),
		TEST(no_more_than_the_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
