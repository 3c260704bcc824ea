// SPDX-License-Identifier: BSD-2-Clause
/* Without memory every client, and everybody who counts, hears of it in the end. */
#include "tests/unit/user/flow/fixture.h"

#include "user/flow/news.h"

#define NAME "www.example.org"

static const uint8_t internal_error[] = {21, 3, 3, 0, 2, 2, 80};

static bool no_memory; /* calloc() fails */

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
	return no_memory ? NULL : __real_calloc(n, size);
}

static int end(void **state)
{
	no_memory = false;
	return end_workers(state);
}

/* The notice cannot be written: the client reads an alert. */
static void no_notice(void **state)
{
	struct addr client = some_client();
	uint8_t hello[300];
	size_t n = make_hello(NAME, hello);
	int fds[2];

	(void)state;
	announce(NAME, "private-1");
	connect_pair(fds);
	peek_accepted(worker, fds[1], &client);
	assert_int_equal(write(fds[0], hello, n), n);
	no_memory = true;
	turn(worker);
	assert_reads(fds[0], internal_error, sizeof(internal_error));
	assert_int_equal(worker->operators.by_name.n, 0);
	close(fds[0]);
	turn(worker);
	assert_int_equal(counted(COUNTER_ENDED + ENDING_MEMORY), 1);
}

/* The dial-back has come to another worker, which cannot hand it over yet: it tries again. */
static void a_dial_back_later(void **state)
{
	struct worker *other = workers.list[1];
	struct addr peer = some_client();
	int client, fds[2];

	(void)state;
	announce(NAME, "private-1");
	client = client_for(NAME);
	struct mail *notice = told();
	connect_pair(fds);
	dial_back_accepted(other, fds[1], &peer);
	assert_int_equal(write(fds[0], notice->u.notice.token, TOKEN_BYTES), TOKEN_BYTES);
	mail_free(notice);
	no_memory = true;
	turn(other);
	time_goes_by(other, 100 * NS_PER_MS);
	assert_int_equal(counters_get(&other->counters, COUNTER_DIAL_BACKS_OPEN), 1);
	no_memory = false;
	time_goes_by(other, 300 * NS_PER_MS);
	turn(worker);
	assert_int_equal(in_state(CONNECTION_PAIR), 1);
	assert_int_equal(counters_get(&other->counters, COUNTER_DIAL_BACKS_OPEN), 0);
	close(client);
	close(fds[0]);
}

/* But not for ever. */
static void a_dial_back_never(void **state)
{
	struct worker *other = workers.list[1];
	struct addr peer = some_client();
	uint8_t token[TOKEN_BYTES] = {0};
	int fds[2];

	(void)state;
	connect_pair(fds);
	dial_back_accepted(other, fds[1], &peer);
	assert_int_equal(write(fds[0], token, TOKEN_BYTES), TOKEN_BYTES);
	no_memory = true;
	turn(other);
	for (unsigned ms = 0; ms < 6000; ms += 50)
		time_goes_by(other, ms * NS_PER_MS);
	assert_int_equal(counters_get(&other->counters, COUNTER_DIAL_BACKS_OPEN), 0);
	assert_int_equal(counters_get(&other->counters, COUNTER_COMPLAINTS + COMPLAINT_MEMORY), 1);
	assert_reset(fds[0]);
}

static void no_reservation(void **state)
{
	struct mail *mail = mail_new_named(MAIL_RESERVATION, "private-1", "");

	(void)state;
	no_memory = true;
	park_reserve(worker, mail);
	assert_int_equal(counted(COUNTER_COMPLAINTS + COMPLAINT_MEMORY), 1);
	assert_int_equal(worker->operators.by_name.n, 0);
	mail_free(mail);
}

static void assert_told(enum parked_condition condition)
{
	time_goes_by(worker, 10 * NS_PER_MS);
	struct mail *mail = told();

	assert_non_null(mail);
	assert_int_equal(mail->type, MAIL_PARKED);
	assert_int_equal(mail->u.parked.condition, condition);
	assert_string_equal(mail->u.parked.operator, "public-1");
	assert_string_equal(mail->u.parked.domain, "");
	mail_free(mail);
}

static struct connection *dialled_ahead(void)
{
	struct connection *connection = connection_new(worker);

	connection->news = mail_new_named(MAIL_PARK, "public-1", "");
	connection->proxy = strdup("public-1");
	connection->ahead = true;
	return connection;
}

/* The count of what waits stays right. */
static void the_end_is_told_all_the_same(void **state)
{
	struct connection *lost = dialled_ahead(), *taken = dialled_ahead();

	(void)state;
	no_memory = true;
	assert_int_equal(news_waiting(lost), -ENOMEM);
	connection_close(lost, true, ENDING_MEMORY);
	assert_told(PARKED_LOST);
	taken->ahead = false;
	assert_int_equal(news_taken(taken, NAME), -ENOMEM);
	assert_told(PARKED_TAKEN);
	connection_close(taken, true, ENDING_MEMORY);
	assert_null(told());
}

static void not_even_a_connection(void **state)
{
	struct mail *mail = mail_new_named(MAIL_PARK, "public-1", "");

	(void)state;
	mailbox_put(worker->box, mail);
	no_memory = true;
	turn(worker);
	assert_told(PARKED_LOST);
}

static void a_stop(void **state)
{
	(void)state;
	assert_int_equal(worker_start(worker), 0);
	no_memory = true;
	mailbox_stop(worker->box, 0, true);
	worker_join(worker);
	assert_true(atomic_load(&worker->ended));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start_workers, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(no_notice),
		TEST(a_dial_back_later),
		TEST(a_dial_back_never),
		TEST(no_reservation),
		TEST(the_end_is_told_all_the_same),
		TEST(not_even_a_connection),
		TEST(a_stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
