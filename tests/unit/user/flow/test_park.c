// SPDX-License-Identifier: BSD-2-Clause
/* Connections that private proxies have dialled ahead, at the public proxy. */
#include "tests/unit/user/flow/fixture.h"

#include "user/flow/rendezvous.h"

#define NAME "www.example.org"

/* Of a worker; then whoever shows it parks. */
static void reserve(struct worker *at, const char *name, uint8_t number)
{
	struct mail *mail = mail_new_named(MAIL_RESERVATION, name, "");

	memset(mail->u.reservation.token, number, TOKEN_BYTES);
	mail->u.reservation.valid_ms = 2000;
	mailbox_put(at->box, mail);
	turn(at);
}

/* Shows the token. Returns the private proxy's end. */
static int park(struct worker *at, uint8_t number)
{
	uint8_t token[TOKEN_BYTES];
	int fds[2];

	memset(token, number, sizeof(token));
	connect_pair(fds);
	rendezvous_claimed(at, fds[1], token);
	return fds[0];
}

static void taken_the_freshest_first(void **state)
{
	int older, newer, fd;

	(void)state;
	reserve(worker, "one", 1);
	reserve(worker, "one", 2);
	assert_int_equal(worker->operators.by_name.n, 1);
	assert_int_equal(park_take(worker, "one"), -1);
	older = park(worker, 1);
	newer = park(worker, 2);
	assert_int_equal(counted(COUNTER_PARKED), 2);
	assert_int_equal(counted(COUNTER_PARKED_OPEN), 2);
	assert_int_equal(park_take(worker, "two"), -1);
	fd = park_take(worker, "one");
	assert_int_equal(write(fd, "n", 1), 1);
	assert_reads(newer, "n", 1);
	close(fd);
	fd = park_take(worker, "one");
	assert_int_equal(write(fd, "o", 1), 1);
	assert_reads(older, "o", 1);
	close(fd);
	assert_int_equal(park_take(worker, "one"), -1);
	assert_int_equal(counted(COUNTER_PARKED_OPEN), 0);
	assert_int_equal(worker->operators.by_name.n, 0);
	close(older);
	close(newer);
}

/* Those that died while they were parked are passed over. */
static void dead_ones_are_none(void **state)
{
	(void)state;
	reserve(worker, "one", 1);
	reserve(worker, "one", 2);
	close(park(worker, 1));
	close(park(worker, 2));
	assert_int_equal(park_take(worker, "one"), -1);
	assert_int_equal(worker->operators.by_name.n, 0);
	/* And found by the loop, if nobody asks. */
	reserve(worker, "one", 3);
	close(park(worker, 3));
	turn(worker);
	assert_int_equal(counted(COUNTER_PARKED_OPEN), 0);
	assert_int_equal(worker->operators.by_name.n, 0);
}

static void a_reservation_expires(void **state)
{
	int fd;

	(void)state;
	reserve(worker, "one", 1);
	time_goes_by(worker, 3 * NS_PER_S);
	assert_int_equal(worker->operators.by_name.n, 0);
	fd = park(worker, 1);
	assert_reset(fd);
	assert_int_equal(counted(COUNTER_COMPLAINTS + COMPLAINT_TOKEN_WRONG), 1);
}

static void not_for_ever(void **state)
{
	int fd;
	char byte;

	(void)state;
	reserve(worker, "one", 1);
	fd = park(worker, 1);
	time_goes_by(worker, 70 * NS_PER_S);
	assert_int_equal(counted(COUNTER_PARKED_OPEN), 1);
	time_goes_by(worker, 101 * NS_PER_S);
	assert_int_equal(counted(COUNTER_PARKED_OPEN), 0);
	assert_int_equal(read(fd, &byte, 1), 0);
	close(fd);
}

static void limits(void **state)
{
	struct config *config = new_config();

	(void)state;
	config->parked = 3 * WORKERS;
	config->parked_per_operator = 2 * WORKERS;
	worker_configure(worker, config);
	for (uint8_t i = 0; i < 3; i++)
		reserve(worker, "one", i);
	assert_int_equal(counted(COUNTER_COMPLAINTS + COMPLAINT_NO_ROOM_TO_PARK), 1);
	reserve(worker, "two", 3);
	reserve(worker, "two", 4);
	reserve(worker, "three", 5);
	assert_int_equal(counted(COUNTER_COMPLAINTS + COMPLAINT_NO_ROOM_TO_PARK), 3);
	assert_int_equal(worker->operators.by_name.n, 2); /* nothing is left of "three" */
}

static void many_operators_come_and_go(void **state)
{
	struct config *config = new_config();
	char name[32];

	(void)state;
	config->parked = 30000;
	worker_configure(worker, config);
	for (unsigned i = 0; i < 10000; i++) {
		struct mail *mail;

		snprintf(name, sizeof(name), "private-%u", i);
		mail = mail_new_named(MAIL_RESERVATION, name, "");
		memcpy(mail->u.reservation.token, &i, sizeof(i));
		mail->u.reservation.valid_ms = 2000;
		park_reserve(worker, mail);
		mail_free(mail);
	}
	assert_int_equal(worker->operators.by_name.n, 10000);
	time_goes_by(worker, 3 * NS_PER_S);
	assert_int_equal(worker->operators.by_name.n, 0);
}

static void a_client_need_not_wait(void **state)
{
	static const uint8_t signature[] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d};
	int client, private;

	(void)state;
	announce(NAME, "one");
	reserve(worker, "one", 1);
	private = park(worker, 1);
	mail_free(told());
	client = client_for(NAME);
	assert_int_equal(in_state(CONNECTION_PAIR), 1);
	assert_int_equal(counted(COUNTER_BY_PARKED), 1);
	assert_int_equal(counted(COUNTER_NOTICES), 0);
	assert_reads(private, signature, sizeof(signature));
	/* Whoever has not even acknowledged the header by then is dead; this one has. */
	time_goes_by(worker, 11 * NS_PER_S);
	assert_int_equal(in_state(CONNECTION_PAIR), 1);
	close(client);
	close(private);
}

/* From the other worker, and no memory is needed for it: the question is the answer. */
static void lent(void **state)
{
	int client, private;

	(void)state;
	announce(NAME, "one");
	reserve(workers.list[1], "one", 1);
	private = park(workers.list[1], 1);
	assert_int_equal(park_neighbour(worker), 1);
	assert_int_equal(park_neighbour(workers.list[1]), -1);
	client = client_for(NAME);
	assert_int_equal(in_state(CONNECTION_RENDEZVOUS), 1);
	turn(workers.list[1]);
	turn(worker);
	assert_int_equal(in_state(CONNECTION_PAIR), 1);
	assert_int_equal(counted(COUNTER_BY_PARKED), 1);
	assert_int_equal(counted(COUNTER_BY_LENT), 1);
	close(client);
	close(private);
}

/* It has some, but of another operator: the notice goes on from there. */
static void nothing_to_lend(void **state)
{
	int client, private;

	(void)state;
	announce(NAME, "one");
	reserve(workers.list[1], "two", 1);
	private = park(workers.list[1], 1);
	time_goes_by(workers.list[1], 10 * NS_PER_MS);
	mail_free(told()); /* that the token was shown */
	client = client_for(NAME);
	assert_null(told());
	turn(workers.list[1]);
	struct mail *mail = told();
	assert_non_null(mail);
	assert_int_equal(mail->type, MAIL_NOTICE);
	assert_string_equal(mail->u.notice.operator, "one");
	assert_string_equal(mail->u.notice.domain, NAME);
	assert_int_equal(mail->u.notice.worker, 0);
	mail_free(mail);
	close(client);
	close(private);
}

static void a_stop_closes_all(void **state)
{
	char byte;
	int fd;

	(void)state;
	reserve(worker, "one", 1);
	reserve(worker, "two", 2);
	fd = park(worker, 1);
	mailbox_stop(worker->box, 0, false);
	turn(worker);
	assert_int_equal(read(fd, &byte, 1), 0);
	assert_int_equal(worker->operators.by_name.n, 0);
	reserve(worker, "one", 3); /* too late */
	assert_int_equal(worker->operators.by_name.n, 0);
	close(fd);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WORKER_TEST(taken_the_freshest_first),
		WORKER_TEST(dead_ones_are_none),
		WORKER_TEST(a_reservation_expires),
		WORKER_TEST(not_for_ever),
		WORKER_TEST(limits),
		WORKER_TEST(many_operators_come_and_go),
		WORKER_TEST(a_client_need_not_wait),
		WORKER_TEST(lent),
		WORKER_TEST(nothing_to_lend),
		WORKER_TEST(a_stop_closes_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
