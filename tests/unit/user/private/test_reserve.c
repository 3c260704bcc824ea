// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a keeper is answered: by a public proxy that fails, refuses or talks
 * nonsense, and by the directory, which says where may be dialled.
 */
#include "tests/unit/user/private/fixture.h"

#include <errno.h>
#include <unistd.h>

static void refuse(int r, int code, const char *message)
{
	fake_reply(RESERVE, NULL, r, NULL, code, message);
}

static void failures_are_tried_again_with_back_off(void **state)
{
	static const int least[] = {20, 40, 80, 80, 80}, most[] = {40, 80, 160, 160, 160};

	(void)state;
	keeper_accepted("pub", keeper);
	wait_for_call();
	for (unsigned i = 0; i < 5; i++) {
		refuse(i % 2 ? -ETIMEDOUT : -EPROTO, 500, "no way");
		int64_t waited = wait_for_call();
		assert_true(waited >= least[i] - 2);
		assert_true(waited <= most[i] + 140);
	}
	give(4, 4, "127.0.0.1:9999");
	dialled(4, PARKED_WAITING);
	report(PARKED_TAKEN, 0);
	wait_for_call();
	refuse(-ETIMEDOUT, 0, "no way"); /* from the start again */
	wait_for_call();
	assert_true(waited_cpu_ms < 300);
	refuse(-ETIMEDOUT, 0, "no way");
}

static void a_client_that_cannot_call_is_a_failure(void **state)
{
	(void)state;
	fake_client_error = -ENOMEM;
	keeper_accepted("pub", keeper);
	no_call_within(10);
	fake_client_error = 0;
	assert_true(wait_for_call() >= 8);
	give(4, 4, "127.0.0.1:9999");
	dialled(4, PARKED_WAITING);
}

static void who_does_not_serve_it_is_left_in_peace(void **state)
{
	static const int codes[] = {-32601, 403};

	(void)state;
	keeper_accepted("pub", keeper);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(wait_for_call() >= (i ? 150 : 0));
		refuse(-EPROTO, codes[i], "no");
		no_call_within(200);
		keeper_accepted("pub", keeper); /* does not change that */
	}
	no_call_within(50);
}

static void unknown_announcements_are_waited_for(void **state)
{
	(void)state;
	keeper_accepted("pub", keeper);
	wait_for_call();
	refuse(-EPROTO, 404, "no matching announcement");
	no_call_within(200);
	keeper_accepted("pub", keeper);
	call_at_once();
	refuse(-EPROTO, 404, "no matching announcement");
	assert_true(wait_for_call() >= 390);
	give(4, 4, "127.0.0.1:9999");
	dialled(4, PARKED_WAITING);
}

static void without_an_announcement_nothing_is_asked(void **state)
{
	struct announcement *item = announcements_find(service.announcements, "a.org", "pub");

	(void)state;
	fill();
	item->expires_at = timestamp_now() - 1;
	report(PARKED_TAKEN, 0);
	no_call_within(50);
	item->expires_at = 0;
	item->accepted = false;
	report(PARKED_TAKEN, 1);
	no_call_within(50);
	item->accepted = true;
	report(PARKED_LOST, 2);
	wait_for_call();
	refuse(-ECANCELED, 0, "over");
}

static void fewer_than_asked_for_are_taken(void **state)
{
	(void)state;
	keeper_accepted("pub", keeper);
	wait_for_call();
	give(4, 3, "127.0.0.1:9999");
	dialled(3, PARKED_WAITING);
	assert_true(wait_for_call() >= 18);
	give(1, 0, "127.0.0.1:9999");
	assert_true(wait_for_call() >= 18);
	give(1, 4, "127.0.0.1:9999"); /* more than that are not */
	dialled(1, PARKED_WAITING);
	no_call_within(50);
}

static void nonsense_is_a_failure(void **state)
{
	static const char *const answers[] = {
		"[]",
		"{\"endpoint\": \"127.0.0.1:9999\"}",
		"{\"tokens\": [\"" TOKEN "\"]}",
		"{\"endpoint\": 7, \"tokens\": [\"" TOKEN "\"]}",
		"{\"endpoint\": \"127.0.0.1:9999\", \"tokens\": [7]}",
		"{\"endpoint\": \"127.0.0.1:9999\", \"tokens\": [\"AAAA\"]}"};

	(void)state;
	keeper_accepted("pub", keeper);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		wait_for_call();
		fake_reply(RESERVE, NULL, 0, json_loads(answers[i], 0, NULL), 0, NULL);
		assert_int_equal(n_fake_mail, 0);
	}
	wait_for_call();
	give(4, 4, "127.0.0.1:9999");
	dialled(4, PARKED_WAITING);
}

#define DIRECTORY "me._directory"

static json_t *entries(const char *name, const char *endpoint)
{
	return json_pack("{s:[{s:s, s:[{s:s, s:{s:s}}]}]}", "entries", "name", name, "settings",
			 "service", "proxy", "settings", "internal_endpoint", endpoint);
}

static void the_directory_says_where_to_dial(void **state)
{
	(void)state;
	service.public_proxies = NULL;
	keeper_accepted("pub", keeper);
	wait_for_call();
	fake_reply(DIRECTORY, "{\"operator\": \"pub\"}", 0, entries("pub", "127.0.0.1:9999"), 0,
		   NULL);
	give(4, 4, "127.0.0.1:9999");
	dialled(4, PARKED_WAITING);
	report(PARKED_TAKEN, 0);
	wait_for_call();
	give(1, 1, "127.0.0.1:9999"); /* it is not asked again … */
	dialled(1, PARKED_WAITING);
	report(PARKED_TAKEN, 1);
	wait_for_call();
	give(1, 1, "127.0.0.2:9999"); /* … until something is wrong */
	assert_int_equal(n_fake_mail, 0);
	wait_for_call();
	assert_true(waited_cpu_ms < 300);
	fake_reply(DIRECTORY, NULL, 0, entries("pub", "127.0.0.1:9999"), 0, NULL);
	give(1, 1, "127.0.0.2:9999"); /* not allowed by what is fresh */
	assert_int_equal(n_fake_mail, 0);
	assert_true(wait_for_call() >= 390);
	fake_reply(DIRECTORY, NULL, 0, entries("pub-2", "127.0.0.1:9999"), 0, NULL);
	assert_true(wait_for_call() >= 390);
	fake_reply(DIRECTORY, NULL, -EPROTO, NULL, 500, "no");
	wait_for_call();
	assert_true(waited_cpu_ms < 300);
	fake_reply(DIRECTORY, NULL, 0, entries("pub", "127.0.0.1:9999"), 0, NULL);
	give(1, 1, "127.0.0.1:9999");
	dialled(1, PARKED_WAITING);
}

/* However well all goes: an endpoint that it has withdrawn is not dialled for ever. */
static void the_directory_is_asked_again_after_a_while(void **state)
{
	(void)state;
	service.public_proxies = NULL;
	keeper_accepted("pub", keeper);
	wait_for_call();
	fake_reply(DIRECTORY, NULL, 0, entries("pub", "127.0.0.1:9999"), 0, NULL);
	give(4, 4, "127.0.0.1:9999");
	dialled(4, PARKED_WAITING);
	usleep(1600000);
	report(PARKED_TAKEN, 0);
	wait_for_call();
	fake_reply(DIRECTORY, "{\"operator\": \"pub\"}", 0, entries("pub", "127.0.0.2:9999"), 0,
		   NULL);
	give(1, 1, "127.0.0.1:9999");
	assert_int_equal(n_fake_mail, 0);
}

static void the_settings_bind_a_public_proxy(void **state)
{
	(void)state;
	keeper_accepted("pub", keeper);
	wait_for_call();
	give(4, 4, "127.0.0.1:22");
	assert_int_equal(n_fake_mail, 0);
	no_call_within(200);
}

static void others_do_not_matter(void **state)
{
	(void)state;
	fill();
	put("a.org", "pub-2");
	keeper_accepted("pub-2", keeper);
	wait_for_call();
	fake_reply(DIRECTORY, "{\"operator\": \"pub-2\"}", -EPROTO, NULL, 403, "no");
	report(PARKED_TAKEN, 0); /* of "pub" */
	call_at_once();
	give(1, 1, "127.0.0.1:9999");
	dialled(1, PARKED_WAITING);
	struct mail *mail = mail_new_named(MAIL_PARKED, "nobody", "");
	keeper_parked(keeper, mail);
	mail_free(mail);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(failures_are_tried_again_with_back_off),
		TEST(a_client_that_cannot_call_is_a_failure),
		TEST(who_does_not_serve_it_is_left_in_peace),
		TEST(unknown_announcements_are_waited_for),
		TEST(without_an_announcement_nothing_is_asked),
		TEST(fewer_than_asked_for_are_taken),
		TEST(nonsense_is_a_failure),
		TEST(the_directory_says_where_to_dial),
		TEST(the_directory_is_asked_again_after_a_while),
		TEST(the_settings_bind_a_public_proxy),
		TEST(others_do_not_matter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
