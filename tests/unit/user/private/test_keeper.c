// SPDX-License-Identifier: BSD-2-Clause
/* Parked connections from the side that keeps them, with short times. */
#include "tests/unit/user/fakes.h"
#include "common/timestamp.h"
#include "user/private/keeper.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

static struct worker *workers[2] = {(struct worker *)"a", (struct worker *)"b"};
static struct crew crew;
static struct event_base *base;
static struct private_service service;
static struct keeper *keeper;
static json_t *public_proxies;
static uint64_t next_connection;

static void put(const char *domain, const char *peer)
{
	const struct stored record = {domain, peer, "x", 0};

	assert_int_equal(announcements_put(service.announcements, &record), 1);
	assert_int_equal(announcements_commit(service.announcements), 1);
	announcements_find(service.announcements, domain, peer)->accepted = true;
}

static int start_with(unsigned min, unsigned max)
{
	const struct announcements_limits limits = {.total = 10, .per_owner = 10};
	const struct keeper_settings settings = {
		.min = min,
		.max = max,
		.backoff_min = 40,
		.backoff_max = 160,
		.refused = 400,
		.calm = 150,
		.steady = 100,
	};

	base = event_base_new();
	public_proxies = json_pack("[{s:s, s:[s]}]", "name", "pub", "endpoints", "127.0.0.1:9999");
	crew = (struct crew){.workers = workers, .n = 2};
	service = (struct private_service){
		.name = "me",
		.crew = &crew,
		.public_proxies = public_proxies,
	};
	next_connection = 0;
	assert_int_equal(announcements_new(NULL, &limits, timestamp_now(), &service.announcements),
			 0);
	assert_int_equal(resolver_new(base, &service.resolver), 0);
	put("a.org", "pub");
	return keeper_new(base, &service, &settings, &keeper);
}

static int start(void **state)
{
	(void)state;
	return start_with(4, 16);
}

static int end(void **state)
{
	(void)state;
	resolver_free(service.resolver);
	keeper_free(keeper);
	announcements_free(service.announcements);
	event_base_free(base);
	json_decref(public_proxies);
	return n_fake_requests || n_fake_mail;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Let the loop run until a call is made; how long that took, in ms. */
static int64_t wait_for_call(void)
{
	int64_t from = now_ms();

	while (n_fake_requests == 0) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		if (now_ms() - from > 10000)
			fail_msg("no call within 10 s");
	}
	assert_int_equal(n_fake_requests, 1);
	return now_ms() - from;
}

/* Without any wait, but not in the turn that the reason for it came in. */
static void call_at_once(void)
{
	for (unsigned i = 0; i < 3 && n_fake_requests == 0; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(n_fake_requests, 1);
}

static void no_call_within(int64_t ms)
{
	for (int64_t from = now_ms(); now_ms() - from < ms;)
		event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(n_fake_requests, 0);
}

#define RESERVE "pub.reserveConnections"
#define TOKEN   "//////////////////////////////////////////8="

static json_t *tokens(unsigned n)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list, json_string(TOKEN));
	return list;
}

/* Answer the call, which asks for `count`, with `n` tokens. */
static void give(unsigned count, unsigned n, const char *endpoint)
{
	char params[40];

	snprintf(params, sizeof(params), "{\"count\": %u}", count);
	fake_reply(RESERVE, params, 0,
		   json_pack("{s:s, s:o, s:f}", "endpoint", endpoint, "tokens", tokens(n),
			     "expires_in", 10.0),
		   0, NULL);
}

static void refuse(int r, int code, const char *message)
{
	fake_reply(RESERVE, NULL, r, NULL, code, message);
}

static void report(enum parked_condition condition, uint64_t connection)
{
	struct mail *mail = mail_new(MAIL_PARKED);

	mail->u.parked.condition = condition;
	mail->u.parked.worker = connection % 2;
	mail->u.parked.connection = connection;
	strcpy(mail->u.parked.operator, "pub");
	keeper_parked(keeper, mail);
	mail_free(mail);
}

/* `n` dials were mailed; they are `condition` now. */
static void dialled(unsigned n, enum parked_condition condition)
{
	assert_int_equal(n_fake_mail, n);
	for (unsigned i = 0; i < n; i++) {
		char text[ADDR_TEXT_MAX];
		struct worker *to;
		struct mail *mail = fake_take_mail(&to);

		assert_ptr_equal(to, workers[(next_connection + 1) % 2]);
		assert_int_equal(mail->type, MAIL_PARK);
		assert_string_equal(mail->u.park.operator, "pub");
		assert_int_equal(mail->u.park.n_outside, 1);
		addr_format(&mail->u.park.outside[0], text);
		assert_string_equal(text, "127.0.0.1:9999");
		for (unsigned j = 0; j < TOKEN_BYTES; j++)
			assert_int_equal(mail->u.park.token[j], 0xff);
		mail_free(mail);
		report(condition, next_connection++);
	}
}

static void fill(void)
{
	keeper_accepted("pub", keeper);
	wait_for_call();
	give(4, 4, "127.0.0.1:9999");
	dialled(4, PARKED_WAITING);
	assert_int_equal(keeper_waiting(keeper, "pub"), 4);
}

static void the_least_is_kept(void **state)
{
	(void)state;
	no_call_within(50); /* nothing is accepted there yet */
	fill();
	no_call_within(200);
	keeper_accepted("pub", keeper); /* once more */
	no_call_within(50);
	assert_int_equal(keeper_target(keeper, "pub"), 4);
}

static void what_is_taken_is_replaced_in_one_call(void **state)
{
	(void)state;
	fill();
	report(PARKED_TAKEN, 2);
	report(PARKED_TAKEN, 0);
	assert_int_equal(n_fake_requests, 0); /* not before the turn is over */
	call_at_once();
	report(PARKED_TAKEN, 2);              /* it is no more */
	report(PARKED_TAKEN, 1);              /* one is left: twice as many from now on */
	assert_int_equal(n_fake_requests, 1); /* one call at a time */
	give(2, 2, "127.0.0.1:9999");
	dialled(2, PARKED_WAITING);
	call_at_once();
	assert_int_equal(keeper_target(keeper, "pub"), 8);
	give(5, 5, "127.0.0.1:9999");
	dialled(5, PARKED_WAITING);
	assert_int_equal(keeper_waiting(keeper, "pub"), 8);
	no_call_within(20);
}

static void the_target_follows_the_demand_to_its_bounds(void **state)
{
	(void)state;
	fill();
	for (unsigned i = 0; i < 4; i++)
		report(PARKED_TAKEN, i);
	assert_int_equal(keeper_target(keeper, "pub"), 16);
	wait_for_call();
	give(16, 16, "127.0.0.1:9999");
	dialled(16, PARKED_WAITING);
	no_call_within(500); /* calm: the surplus stays */
	assert_int_equal(keeper_target(keeper, "pub"), 4);
	assert_int_equal(keeper_waiting(keeper, "pub"), 16);
	for (uint64_t i = 4; i < 16; i++)
		report(PARKED_TAKEN, i);
	no_call_within(20); /* four are left */
	report(PARKED_TAKEN, 16);
	wait_for_call();
	give(1, 1, "127.0.0.1:9999");
	dialled(1, PARKED_WAITING);
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
	assert_true(wait_for_call() < 300);
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

/* A public proxy that closes at once cannot make us spin. */
static void those_that_do_not_last_are_replaced_more_slowly(void **state)
{
	static const int least[] = {20, 40, 80, 80}, most[] = {40, 80, 160, 160};

	(void)state;
	fill();
	for (uint64_t i = 0; i < 4; i++)
		report(PARKED_LOST, i); /* together they count once */
	assert_int_equal(keeper_waiting(keeper, "pub"), 0);
	for (unsigned i = 0; i < 4; i++) {
		int64_t waited = wait_for_call();
		assert_true(waited >= least[i] - 2);
		assert_true(waited <= most[i] + 140);
		give(4, 4, "127.0.0.1:9999");
		dialled(4, PARKED_LOST); /* never connected */
	}
	wait_for_call();
	give(4, 4, "127.0.0.1:9999");
	dialled(4, PARKED_WAITING);
	assert_int_equal(keeper_target(keeper, "pub"), 4);
	report(PARKED_TAKEN, next_connection - 1); /* it works again */
	call_at_once();
	give(1, 1, "127.0.0.1:9999");
	dialled(1, PARKED_WAITING);
}

static void those_that_have_waited_long_are_renewed_at_once(void **state)
{
	(void)state;
	fill();
	no_call_within(110);
	report(PARKED_LOST, 1);
	report(PARKED_LOST, 3);
	call_at_once();
	give(2, 2, "127.0.0.1:9999");
	dialled(2, PARKED_WAITING);
	no_call_within(20);
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
	assert_true(wait_for_call() < 300);
	fake_reply(DIRECTORY, NULL, 0, entries("pub", "127.0.0.1:9999"), 0, NULL);
	give(1, 1, "127.0.0.2:9999"); /* not allowed by what is fresh */
	assert_int_equal(n_fake_mail, 0);
	assert_true(wait_for_call() >= 390);
	fake_reply(DIRECTORY, NULL, 0, entries("pub-2", "127.0.0.1:9999"), 0, NULL);
	assert_true(wait_for_call() >= 390);
	fake_reply(DIRECTORY, NULL, -EPROTO, NULL, 500, "no");
	assert_true(wait_for_call() < 300);
	fake_reply(DIRECTORY, NULL, 0, entries("pub", "127.0.0.1:9999"), 0, NULL);
	give(1, 1, "127.0.0.1:9999");
	dialled(1, PARKED_WAITING);
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

static void nothing_is_dialled_after_the_end(void **state)
{
	(void)state;
	fill();
	report(PARKED_TAKEN, 0);
	wait_for_call();
	report(PARKED_TAKEN, 1);
	keeper_stop(keeper);
	give(1, 1, "127.0.0.1:9999");
	report(PARKED_LOST, 2);
	report(PARKED_LOST, 3);
	keeper_accepted("pub", keeper);
	keeper_accepted("pub-2", keeper);
	no_call_within(100);
	assert_int_equal(keeper_waiting(keeper, "pub"), 0);
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
	struct mail *mail = mail_new(MAIL_PARKED);
	strcpy(mail->u.parked.operator, "nobody");
	keeper_parked(keeper, mail);
	mail_free(mail);
}

static int start_without(void **state)
{
	(void)state;
	return start_with(4, 0);
}

static void it_can_be_turned_off(void **state)
{
	(void)state;
	keeper_accepted("pub", keeper);
	no_call_within(50);
	report(PARKED_WAITING, 0);
	assert_int_equal(keeper_waiting(keeper, "pub"), 0);
}

static int start_many(void **state)
{
	(void)state;
	return start_with(100, 100);
}

static void one_call_asks_for_64_at_most(void **state)
{
	(void)state;
	keeper_accepted("pub", keeper);
	wait_for_call();
	give(64, 64, "127.0.0.1:9999");
	dialled(64, PARKED_WAITING);
	call_at_once();
	give(36, 36, "127.0.0.1:9999");
	dialled(36, PARKED_WAITING);
	assert_int_equal(keeper_waiting(keeper, "pub"), 100);
	report(PARKED_WAITING, 1000); /* nobody asked for it */
	assert_int_equal(keeper_waiting(keeper, "pub"), 100);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_least_is_kept),
		TEST(what_is_taken_is_replaced_in_one_call),
		TEST(the_target_follows_the_demand_to_its_bounds),
		TEST(failures_are_tried_again_with_back_off),
		TEST(a_client_that_cannot_call_is_a_failure),
		TEST(who_does_not_serve_it_is_left_in_peace),
		TEST(unknown_announcements_are_waited_for),
		TEST(without_an_announcement_nothing_is_asked),
		TEST(fewer_than_asked_for_are_taken),
		TEST(nonsense_is_a_failure),
		TEST(those_that_do_not_last_are_replaced_more_slowly),
		TEST(those_that_have_waited_long_are_renewed_at_once),
		TEST(the_directory_says_where_to_dial),
		TEST(the_settings_bind_a_public_proxy),
		TEST(nothing_is_dialled_after_the_end),
		TEST(others_do_not_matter),
		cmocka_unit_test_setup_teardown(it_can_be_turned_off, start_without, end),
		cmocka_unit_test_setup_teardown(one_call_asks_for_64_at_most, start_many, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
