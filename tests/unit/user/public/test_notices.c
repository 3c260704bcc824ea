// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/user/fakes.h"
#include "user/public/notices.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static struct mailbox *workers[2] = {(struct mailbox *)"a", (struct mailbox *)"b"};
static struct crew crew = {.boxes = workers, .n = 2};
static struct notices notices;

static int start(void **state)
{
	(void)state;
	notices = (struct notices){
		.crew = &crew,
		.endpoint = "pub.example:9999",
		.timeout_ms = 10000,
		.max = 2,
		.sent_per_line = 2,
	};
	table_init(&notices.lines);
	fake_client_error = 0;
	return 0;
}

static void send_notice_to(const char *operator, unsigned worker, uint64_t connection)
{
	struct mail *mail = mail_new_named(MAIL_NOTICE, operator, "a.org");

	mail->u.notice.worker = worker;
	mail->u.notice.connection = connection;
	memset(mail->u.notice.token, 0xff, TOKEN_BYTES);
	notices_send(&notices, mail);
}

static void send_notice(unsigned worker, uint64_t connection)
{
	send_notice_to("p-1.ga", worker, connection);
}

static void assert_refused(unsigned worker, uint64_t connection, const char *reason)
{
	struct mailbox *to;
	struct mail *mail = fake_take_mail(&to);

	assert_ptr_equal(to, workers[worker]);
	assert_int_equal(mail->type, MAIL_NOTICE_REFUSED);
	assert_int_equal(mail->u.refused.connection, connection);
	assert_string_equal(mail->u.refused.reason, reason);
	mail_free(mail);
}

#define METHOD       "p-1.ga.incomingConnection"
#define OTHER_METHOD "p-2.ga.incomingConnection"

static void asks_the_private_proxy(void **state)
{
	(void)state;
	send_notice(1, 7);
	assert_int_equal(notices.under_way, 1);
	assert_in_range(fake_requests[0].timeout_ms, 9000, 10000);
	fake_reply(METHOD,
		   "{\"domain\": \"a.org\", \"endpoint\": \"pub.example:9999\", \"token\": "
		   "\"//////////////////////////////////////////8=\"}",
		   0, json_pack("{s:s}", "message", "ok"), 0, NULL);
	assert_int_equal(notices.under_way, 0);
	assert_int_equal(n_fake_mail, 0);
}

static void a_refusal_reaches_its_worker(void **state)
{
	(void)state;
	send_notice(1, 7);
	send_notice(0, 8);
	fake_reply(METHOD, NULL, -EPROTO, NULL, 404, "no matching connection found");
	assert_refused(1, 7, "refused: 404 no matching connection found");
	fake_reply(METHOD, NULL, -ETIMEDOUT, NULL, 0, "no answer in 10 s");
	assert_refused(0, 8, "relay: no answer in 10 s");
	fake_client_error = -ENOMEM;
	send_notice(0, 9);
	assert_refused(0, 9, "relay: Cannot allocate memory");
	assert_int_equal(notices.under_way, 0);
}

static void a_long_reason_is_cut(void **state)
{
	char message[1000];

	(void)state;
	memset(message, 'm', sizeof(message));
	message[sizeof(message) - 1] = '\0';
	send_notice(0, 1);
	fake_reply(METHOD, NULL, -EPROTO, NULL, 1, message);
	struct mail *mail = fake_take_mail(NULL);
	assert_int_equal(strlen(mail->u.refused.reason), 127);
	mail_free(mail);
}

static void no_more_than_the_limit_are_under_way(void **state)
{
	(void)state;
	send_notice(0, 1);
	send_notice(0, 2);
	send_notice(1, 3);
	assert_refused(1, 3, "too many notices under way (limit 2)");
	for (unsigned i = 0; i < 2; i++)
		fake_reply(METHOD, NULL, 0, json_null(), 0, NULL);
	send_notice(1, 4);
	fake_reply(METHOD, NULL, 0, json_null(), 0, NULL);
	assert_int_equal(n_fake_mail, 0);
}

/* As if the private proxy of "p-2.ga" did not answer. */
static void one_that_does_not_answer_is_not_waited_for(void **state)
{
	(void)state;
	notices.max = 10;
	for (uint64_t connection = 1; connection <= 4; connection++)
		send_notice_to("p-2.ga", 0, connection);
	assert_int_equal(n_fake_requests, 2);
	assert_int_equal(notices.under_way, 4);
	send_notice(1, 5);
	assert_int_equal(n_fake_requests, 3);
	assert_string_equal(fake_requests[2].method, METHOD);
	/* In their order, as those before are answered. */
	fake_reply(OTHER_METHOD, NULL, 0, json_null(), 0, NULL);
	assert_int_equal(n_fake_requests, 3);
	fake_reply(OTHER_METHOD, NULL, -ETIMEDOUT, NULL, 0, "no answer in 10 s");
	assert_refused(0, 2, "relay: no answer in 10 s");
	fake_reply(METHOD, NULL, 0, json_null(), 0, NULL);
	fake_reply(OTHER_METHOD, NULL, 0, json_null(), 0, NULL);
	fake_reply(OTHER_METHOD, NULL, -EPROTO, NULL, 404, "gone");
	assert_refused(0, 4, "refused: 404 gone");
	assert_int_equal(notices.under_way, 0);
	assert_int_equal(notices.lines.n, 0);
}

static void a_client_does_not_wait_longer_in_line(void **state)
{
	(void)state;
	notices.max = 10;
	notices.timeout_ms = 20;
	for (uint64_t connection = 1; connection <= 4; connection++)
		send_notice(0, connection);
	usleep(25000);
	fake_reply(METHOD, NULL, 0, json_null(), 0, NULL);
	for (uint64_t connection = 3; connection <= 4; connection++)
		assert_refused(0, connection,
			       "others of this private proxy were not answered in time");
	assert_int_equal(notices.under_way, 1);
	fake_reply(METHOD, NULL, 0, json_null(), 0, NULL);
	assert_int_equal(notices.under_way, 0);
}

static void those_in_line_are_forgotten_at_the_end(void **state)
{
	(void)state;
	notices.max = 10;
	for (uint64_t connection = 1; connection <= 3; connection++)
		send_notice(0, connection);
	crew.n = 0;
	for (int i = 0; i < 2; i++)
		fake_reply(METHOD, NULL, -ECANCELED, NULL, 0, "canceled");
	assert_int_equal(n_fake_requests, 0);
	notices_clear(&notices);
	crew.n = 2;
	assert_int_equal(notices.under_way, 0);
	assert_int_equal(n_fake_mail, 0);
}

/* After the workers have ended there is nobody to tell. */
static void nobody_to_tell_is_fine(void **state)
{
	(void)state;
	send_notice(1, 1);
	crew.n = 0;
	fake_reply(METHOD, NULL, -ECANCELED, NULL, 0, "canceled");
	notices_clear(&notices);
	crew.n = 2;
	assert_int_equal(n_fake_mail, 0);
}

#define TEST(function) cmocka_unit_test_setup(function, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(asks_the_private_proxy),
		TEST(a_refusal_reaches_its_worker),
		TEST(a_long_reason_is_cut),
		TEST(no_more_than_the_limit_are_under_way),
		TEST(nobody_to_tell_is_fine),
		TEST(one_that_does_not_answer_is_not_waited_for),
		TEST(a_client_does_not_wait_longer_in_line),
		TEST(those_in_line_are_forgotten_at_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
