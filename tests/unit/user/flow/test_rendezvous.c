// SPDX-License-Identifier: BSD-2-Clause
/* From a ClientHello to a pair, by a token that a private proxy shows. */
#include "tests/unit/user/flow/fixture.h"

#define NAME "www.example.org"

static const uint8_t internal_error[] = {21, 3, 3, 0, 2, 2, 80};

static void show_token(struct worker *to, const uint8_t token[TOKEN_BYTES], int fds[2])
{
	struct addr peer = some_client();

	connect_pair(fds);
	assert_int_equal(write(fds[0], token, TOKEN_BYTES), TOKEN_BYTES);
	dial_back_accepted(to, fds[1], &peer);
	turn(to);
	turn(worker);
}

/* A client waits; the notice that was sent for it. */
static struct mail *send_for(int *ret)
{
	announce(NAME, "private-1");
	*ret = client_for(NAME);
	struct mail *mail = told();
	assert_non_null(mail);
	assert_int_equal(mail->type, MAIL_NOTICE);
	assert_int_equal(mail->u.notice.worker, 0);
	assert_string_equal(mail->u.notice.domain, NAME);
	assert_string_equal(mail->u.notice.operator, "private-1");
	return mail;
}

static void bytes_flow(int client, int private)
{
	uint8_t hello[300];
	size_t n = make_hello(NAME, hello);
	char byte;

	assert_reads(private, hello, n);
	assert_int_equal(write(private, "answer", 6), 6);
	turn(worker);
	assert_reads(client, "answer", 6);
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	turn(worker);
	assert_int_equal(read(private, &byte, 1), 0);
	assert_int_equal(shutdown(private, SHUT_WR), 0);
	turn(worker);
	assert_int_equal(read(client, &byte, 1), 0);
	assert_int_equal(counted(COUNTER_ENDED + ENDING_FINISHED), 1);
	assert_int_equal(counted(COUNTER_BYTES_UP), n);
	assert_int_equal(counted(COUNTER_BYTES_DOWN), 6);
	assert_int_equal(counted(COUNTER_KERNEL_UP) + counted(COUNTER_KERNEL_DOWN), 0);
	assert_int_equal(counted(COUNTER_OPEN), 0);
	close(client);
	close(private);
}

static void the_token_joins_them(void **state)
{
	int client, fds[2];
	struct mail *mail = send_for(&client);

	(void)state;
	assert_int_equal(counted(COUNTER_NOTICES), 1);
	show_token(worker, mail->u.notice.token, fds);
	assert_int_equal(in_state(CONNECTION_PAIR), 1);
	assert_int_equal(counted(COUNTER_PAIRED), 1);
	assert_int_equal(counted(COUNTER_BY_RENDEZVOUS), 1);
	assert_int_equal(counted(COUNTER_DIAL_BACKS), 1);
	assert_int_equal(counted(COUNTER_DIAL_BACKS_OPEN), 0);
	assert_int_equal(worker->operators.by_name.n, 0);
	assert_int_equal(worker->ids.n, 0);
	bytes_flow(client, fds[0]);
	mail_free(mail);
}

/* The dial-back has come to the other worker, which hands it over. */
static void through_another_worker(void **state)
{
	int client, fds[2];
	struct mail *mail = send_for(&client);

	(void)state;
	show_token(workers.list[1], mail->u.notice.token, fds);
	assert_int_equal(counted(COUNTER_BY_RENDEZVOUS), 1);
	assert_int_equal(counted(COUNTER_DIAL_BACKS), 0);
	assert_int_equal(counters_get(&workers.list[1]->counters, COUNTER_DIAL_BACKS), 1);
	bytes_flow(client, fds[0]);
	mail_free(mail);
}

static void a_token_counts_once(void **state)
{
	int client, fds[2], again[2];
	struct mail *mail = send_for(&client);

	(void)state;
	show_token(worker, mail->u.notice.token, fds);
	show_token(worker, mail->u.notice.token, again);
	assert_reset(again[0]);
	assert_int_equal(counted(COUNTER_COMPLAINTS + COMPLAINT_TOKEN_WRONG), 1);
	assert_int_equal(in_state(CONNECTION_PAIR), 1);
	mail_free(mail);
	close(client);
	close(fds[0]);
}

/* The client is told, and the token is worth nothing any more. */
static void nobody_dials_back(void **state)
{
	int client, fds[2];
	struct mail *mail = send_for(&client);

	(void)state;
	time_goes_by(worker, 9 * NS_PER_S);
	assert_int_equal(in_state(CONNECTION_RENDEZVOUS), 1);
	time_goes_by(worker, 11 * NS_PER_S); /* also the moment for reading the alert */
	assert_reads(client, internal_error, sizeof(internal_error));
	show_token(worker, mail->u.notice.token, fds);
	assert_reset(fds[0]);
	close(client);
	turn(worker);
	assert_int_equal(counted(COUNTER_ENDED + ENDING_NO_DIAL_BACK), 1);
	assert_int_equal(worker->operators.by_name.n, 0);
	mail_free(mail);
}

static void the_notice_is_refused(void **state)
{
	int client;
	struct mail *mail = send_for(&client);
	struct mail *refused = mail_new(MAIL_NOTICE_REFUSED);

	(void)state;
	refused->u.refused.connection = mail->u.notice.connection;
	strcpy(refused->u.refused.reason, "relay: gone");
	mailbox_put(worker->box, refused);
	turn(worker);
	assert_reads(client, internal_error, sizeof(internal_error));
	close(client);
	turn(worker);
	assert_int_equal(counted(COUNTER_ENDED + ENDING_NOT_TOLD), 1);
	mail_free(mail);
}

static void the_client_goes(void **state)
{
	const struct linger now = {1, 0};
	int client;
	struct mail *mail = send_for(&client);

	(void)state;
	assert_int_equal(setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	close(client);
	turn(worker);
	assert_int_equal(counted(COUNTER_ENDED + ENDING_WAITING_RESET), 1);
	assert_int_equal(worker->ids.n, 0);
	mail_free(mail);
}

/* It never waits at all. */
static void too_many_wait(void **state)
{
	static const unsigned endings[] = {ENDING_PENDING, ENDING_PENDING_OPERATOR};

	(void)state;
	announce(NAME, "private-1");
	for (unsigned i = 0; i < 2; i++) {
		struct config *config = new_config();

		*(i == 0 ? &config->pending : &config->pending_per_operator) = 0;
		worker_configure(worker, config);
		int client = client_for(NAME);
		assert_reads(client, internal_error, sizeof(internal_error));
		close(client);
		turn(worker);
		assert_int_equal(counted(COUNTER_ENDED + endings[i]), 1);
		assert_null(told());
	}
	assert_int_equal(worker->operators.by_name.n, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WORKER_TEST(the_token_joins_them),  WORKER_TEST(through_another_worker),
		WORKER_TEST(a_token_counts_once),   WORKER_TEST(nobody_dials_back),
		WORKER_TEST(the_notice_is_refused), WORKER_TEST(the_client_goes),
		WORKER_TEST(too_many_wait),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
