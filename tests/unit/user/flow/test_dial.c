// SPDX-License-Identifier: BSD-2-Clause
/* The private proxy's way: to the public proxy, to the internal server, or ahead of a client. */
#include "tests/unit/user/flow/fixture.h"

#include "user/wire/proxy_header.h"

#define NAME "www.example.org"

static int public_listener, internal_listener;
static struct addr public_addr, internal_addr;

static int listen_here(struct addr *ret)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(fd, 8), 0);
	ret->len = sizeof(ret->sa);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&ret->sa, &ret->len), 0);
	return fd;
}

static int start(void **state)
{
	public_listener = listen_here(&public_addr);
	internal_listener = listen_here(&internal_addr);
	return start_workers(state);
}

static int end(void **state)
{
	close(public_listener);
	if (internal_listener >= 0)
		close(internal_listener);
	return end_workers(state);
}

/* Blocking, for the test. */
static int accepted(int listener)
{
	int fd = accept4(listener, NULL, NULL, 0);

	assert_true(fd >= 0);
	return fd;
}

static void dial(void)
{
	struct mail *mail = mail_new_named(MAIL_DIAL, "public-1", NAME);

	memset(mail->u.dial.token, 't', TOKEN_BYTES);
	mail->u.dial.outside[0] = public_addr;
	mail->u.dial.inside[0] = internal_addr;
	mail->u.dial.n_outside = mail->u.dial.n_inside = 1;
	mailbox_put(worker->box, mail);
	turn(worker);
}

static void assert_token(int fd)
{
	uint8_t token[TOKEN_BYTES];

	memset(token, 't', sizeof(token));
	assert_reads(fd, token, sizeof(token));
}

static void both_sides(void **state)
{
	int public, internal;

	(void)state;
	dial();
	public = accepted(public_listener);
	internal = accepted(internal_listener);
	assert_token(public);
	assert_int_equal(in_state(CONNECTION_PAIR), 1);
	assert_int_equal(counted(COUNTER_DIALS), 1);
	assert_int_equal(write(public, "hello", 5), 5);
	turn(worker);
	assert_reads(internal, "hello", 5);
	close(public);
	close(internal);
}

/* The token is shown all the same: the RST after it tells the public proxy. */
static void nobody_inside(void **state)
{
	int public;

	(void)state;
	close(internal_listener);
	internal_listener = -1;
	dial();
	public = accepted(public_listener);
	assert_int_equal(counted(COUNTER_ENDED + ENDING_NO_INSIDE), 1);
	assert_int_equal(counted(COUNTER_BYTES_DOWN), 0); /* a token is no byte of a stream */
	assert_int_equal(counted(COUNTER_OPEN), 0);
	/* The name may lead elsewhere by now: the control thread is to ask. */
	time_goes_by(worker, 10 * NS_PER_MS);
	struct mail *mail = told();
	assert_non_null(mail);
	assert_int_equal(mail->type, MAIL_UNREACHABLE);
	assert_string_equal(mail->u.unreachable.operator, "public-1");
	assert_string_equal(mail->u.unreachable.domain, NAME);
	mail_free(mail);
	close(public);
}

static struct mail *news(void)
{
	time_goes_by(worker, 10 * NS_PER_MS); /* what is only counted waits for company */
	struct mail *mail = told();
	assert_non_null(mail);
	assert_int_equal(mail->type, MAIL_PARKED);
	assert_string_equal(mail->u.parked.operator, "public-1");
	return mail;
}

static void assert_news(enum parked_condition condition, const char *domain)
{
	struct mail *mail = news();

	assert_int_equal(mail->u.parked.condition, condition);
	assert_string_equal(mail->u.parked.domain, domain);
	mail_free(mail);
}

static int dial_ahead_now(void)
{
	struct mail *mail = mail_new_named(MAIL_PARK, "public-1", "");

	memset(mail->u.park.token, 't', TOKEN_BYTES);
	mail->u.park.outside[0] = public_addr;
	mail->u.park.n_outside = 1;
	mailbox_put(worker->box, mail);
	turn(worker);
	int public = accepted(public_listener);
	assert_token(public);
	assert_int_equal(in_state(CONNECTION_AHEAD), 1);
	assert_news(PARKED_WAITING, "");
	return public;
}

static void send_header(int fd, const char *name)
{
	struct proxy_header header = {.has_addresses = false};
	uint8_t bytes[PROXY_HEADER_MAX];

	snprintf(header.authority, sizeof(header.authority), "%s", name);
	size_t n = proxy_header_write_v2(&header, bytes);
	assert_int_equal(write(fd, bytes, n), n);
	turn(worker);
}

static void answer(uint64_t connection, unsigned n, bool unresolved)
{
	struct mail *mail = mail_new(MAIL_INSIDE);

	mail->u.inside.connection = connection;
	mail->u.inside.unresolved = unresolved;
	mail->u.inside.inside[0] = internal_addr;
	mail->u.inside.n_inside = n;
	mailbox_put(worker->box, mail);
	turn(worker);
}

/* Where it leads is asked once, and then remembered for the next. */
static void ahead_and_taken(void **state)
{
	int public = dial_ahead_now(), next, internal;

	(void)state;
	send_header(public, NAME);
	struct mail *question = news();
	assert_int_equal(question->u.parked.condition, PARKED_TAKEN);
	assert_string_equal(question->u.parked.domain, NAME);
	assert_int_equal(in_state(CONNECTION_DIAL), 1);
	answer(question->u.parked.connection, 1, false);
	mail_free(question);
	internal = accepted(internal_listener);
	assert_int_equal(in_state(CONNECTION_PAIR), 1);
	assert_int_equal(worker->ids.n, 0);
	assert_int_equal(write(internal, "answer", 6), 6);
	turn(worker);
	assert_reads(public, "answer", 6);
	next = dial_ahead_now();
	send_header(next, NAME);
	assert_news(PARKED_TAKEN, "");
	assert_int_equal(in_state(CONNECTION_PAIR), 2);
	assert_int_equal(counted(COUNTER_DIALS_AHEAD), 2);
	assert_int_equal(counted(COUNTER_TAKEN), 2);
	close(internal);
	close(accepted(internal_listener));
	close(public);
	close(next);
}

static void refused_by_the_answer(bool unresolved, enum ending ending)
{
	int public = dial_ahead_now();

	send_header(public, NAME);
	struct mail *question = news();
	answer(question->u.parked.connection, 0, unresolved);
	mail_free(question);
	assert_int_equal(counted(COUNTER_ENDED + ending), 1);
	assert_null(told());
	assert_reset(public);
}

static void taken_for_an_unknown_name(void **state)
{
	(void)state;
	refused_by_the_answer(false, ENDING_NOT_ANNOUNCED_HERE);
}

static void taken_for_a_name_without_address(void **state)
{
	(void)state;
	refused_by_the_answer(true, ENDING_INSIDE_UNRESOLVED);
}

static void lost_while_it_waits(void **state)
{
	(void)state;
	close(dial_ahead_now());
	turn(worker);
	assert_news(PARKED_LOST, "");
	assert_int_equal(counted(COUNTER_ENDED + ENDING_AHEAD_CLOSED), 1);
	int public = dial_ahead_now();
	assert_int_equal(write(public, "nonsense, not a header", 22), 22);
	turn(worker);
	assert_news(PARKED_LOST, "");
	assert_int_equal(counted(COUNTER_ENDED + ENDING_AHEAD_HEADER), 1);
	close(public);
}

/* Also what could not begin is told. */
static void never_dialled(void **state)
{
	struct config *config = new_config();
	struct mail *mail = mail_new_named(MAIL_PARK, "public-1", "");

	(void)state;
	config->connections = 0;
	worker_configure(worker, config);
	mailbox_put(worker->box, mail);
	turn(worker);
	assert_news(PARKED_LOST, "");
	dial(); /* nothing happens but a line in the log */
	assert_int_equal(counted(COUNTER_DIALS), 0);
}

static void a_stop_ends_what_waits(void **state)
{
	int public = dial_ahead_now(), used;

	(void)state;
	dial();
	used = accepted(public_listener);
	assert_int_equal(in_state(CONNECTION_PAIR), 1);
	mailbox_stop(worker->box, 1000, false);
	turn(worker);
	assert_news(PARKED_LOST, "");
	assert_int_equal(in_state(CONNECTION_PAIR), 1);
	assert_reset(public);
	/* Until the grace is over. */
	time_goes_by(worker, 2 * NS_PER_S);
	assert_int_equal(counted(COUNTER_OPEN), 0);
	assert_int_equal(counted(COUNTER_ENDED + ENDING_STOPPED), 2);
	close(used);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(both_sides),
		TEST(nobody_inside),
		TEST(ahead_and_taken),
		TEST(taken_for_an_unknown_name),
		TEST(taken_for_a_name_without_address),
		TEST(lost_while_it_waits),
		TEST(never_dialled),
		TEST(a_stop_ends_what_waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
