// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/timestamp.h"
#include "tests/unit/user/fakes.h"
#include "user/private/announcer.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

static struct event_base *base;
static struct announcements *all;
static struct announcer *announcer;

static void put(const char *domain, const char *proxy, int64_t expires_at)
{
	const struct stored record = {domain, proxy, "x", expires_at};

	assert_int_equal(announcements_put(all, &record), 1);
	assert_int_equal(announcements_commit(all), 1);
}

static int start(void **state)
{
	const struct announcements_limits limits = {.total = 10, .per_owner = 10};

	(void)state;
	base = event_base_new();
	return announcements_new(NULL, &limits, timestamp_now(), &all);
}

static int end(void **state)
{
	(void)state;
	announcer_free(announcer);
	announcements_free(all);
	event_base_free(base);
	return n_fake_requests;
}

static void begin(void)
{
	assert_int_equal(announcer_new(base, "me", NULL, all, &announcer), 0);
	announcer_start(announcer);
}

static double seconds_by(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/*
 * Of the last wait_for_call(), in processor time. It asks all the time, so this
 * is what it took where nobody else wants the processor.
 */
static double waited_cpu;

/* Let the loop run until a call is made; how long it took. */
static double wait_for_call(double limit)
{
	double from = seconds_by(CLOCK_MONOTONIC);
	double cpu_from = seconds_by(CLOCK_PROCESS_CPUTIME_ID);

	waited_cpu = 0;
	while (n_fake_requests == 0) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		waited_cpu = seconds_by(CLOCK_PROCESS_CPUTIME_ID) - cpu_from;
		if (waited_cpu > limit)
			fail_msg("no call within %g s", limit);
	}
	return seconds_by(CLOCK_MONOTONIC) - from;
}

static void no_call_within(double limit)
{
	for (double from = seconds_by(CLOCK_MONOTONIC); seconds_by(CLOCK_MONOTONIC) - from < limit;)
		event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(n_fake_requests, 0);
}

#define ANNOUNCE "pub.announceConnections"
#define TWO                                                                                     \
	"{\"connections\": [{\"domain\": \"a.org\", \"expires_at\": null, \"proxy\": \"pub\"}," \
	" {\"domain\": \"b.org\", \"expires_at\": null, \"proxy\": \"pub\"}]}"

static void all_of_a_proxy_in_one_call(void **state)
{
	(void)state;
	put("a.org", "pub", 0);
	put("c.org", "pub-2", 0);
	put("b.org", "pub", 0);
	put("gone.org", "pub", 1);
	begin();
	wait_for_call(10);
	for (unsigned i = 0; i < 2; i++) {
		wait_for_call(10);
		if (strcmp(fake_requests[0].method, ANNOUNCE) == 0)
			fake_reply(ANNOUNCE, TWO, 0, json_pack("[n, n]"), 0, NULL);
		else
			fake_reply("pub-2.announceConnections", NULL, 0, json_pack("[n]"), 0, NULL);
	}
	assert_true(announcements_find(all, "a.org", "pub")->accepted);
	assert_true(announcements_find(all, "b.org", "pub")->accepted);
	assert_true(announcements_find(all, "c.org", "pub-2")->accepted);
	no_call_within(0.3);
}

static void refusals_are_kept_item_by_item(void **state)
{
	(void)state;
	put("a.org", "pub", 0);
	put("b.org", "pub", 0);
	begin();
	wait_for_call(10);
	/* As it comes out of a protobuf Struct, wrapped and with doubles. */
	fake_reply(ANNOUNCE, TWO, 0,
		   json_pack("{s:[n, {s:f, s:s}]}", "_", "code", 403.0, "message", "not allowed"),
		   0, NULL);
	assert_true(announcements_find(all, "a.org", "pub")->accepted);
	const struct announcement *b = announcements_find(all, "b.org", "pub");
	assert_false(b->accepted);
	assert_string_equal(b->refusal, "403 not allowed");
}

static void note_accepted(const char *proxy, void *arg)
{
	assert_string_equal(proxy, "pub");
	++*(unsigned *)arg;
}

static void acceptance_is_told(void **state)
{
	unsigned told = 0;

	(void)state;
	put("a.org", "pub", 0);
	put("b.org", "pub", 0);
	assert_int_equal(announcer_new(base, "me", NULL, all, &announcer), 0);
	announcer_on_accepted(announcer, note_accepted, &told);
	announcer_start(announcer);
	wait_for_call(10);
	fake_reply(ANNOUNCE, TWO, -ETIMEDOUT, NULL, 0, "no answer");
	assert_int_equal(told, 0);
	wait_for_call(10);
	fake_reply(ANNOUNCE, TWO, 0, json_pack("[{s:i}, n]", "code", 403), 0, NULL);
	assert_int_equal(told, 1); /* one of two will do */
	assert_int_equal(announcer_watch(announcer, "pub"), 0);
	assert_int_equal(told, 2);
}

static void nothing_accepted_is_not_told(void **state)
{
	unsigned told = 0;

	(void)state;
	put("a.org", "pub", 0);
	assert_int_equal(announcer_new(base, "me", NULL, all, &announcer), 0);
	announcer_on_accepted(announcer, note_accepted, &told);
	announcer_start(announcer);
	wait_for_call(10);
	fake_reply(ANNOUNCE, NULL, 0, json_pack("[{s:i}]", "code", 403), 0, NULL);
	assert_int_equal(told, 0);
}

static void failures_are_tried_again_with_back_off(void **state)
{
	static const struct {
		double min, max;
	} waits[] = {{0.09, 2}, {0.19, 2}, {0.39, 2}, {0.49, 3}, {0.49, 3}};

	(void)state;
	put("a.org", "pub", 0);
	put("b.org", "pub", 0);
	begin();
	wait_for_call(10);
	for (unsigned i = 0; i < 5; i++) {
		fake_reply(ANNOUNCE, TWO, -ECONNREFUSED, NULL, 0, "connection refused");
		double waited = wait_for_call(10);
		if (waited < waits[i].min || waited_cpu > waits[i].max)
			fail_msg("attempt %u after %g s", i + 2, waited);
	}
	/* An answer that is none counts as a failure too. */
	fake_reply(ANNOUNCE, TWO, 0, json_pack("[n]"), 0, NULL);
	wait_for_call(10);
	fake_reply(ANNOUNCE, TWO, -EPROTO, NULL, 1, "no directory entry found");
	wait_for_call(10);
	fake_reply(ANNOUNCE, TWO, 0, json_pack("[n, n]"), 0, NULL);
	assert_true(announcements_find(all, "a.org", "pub")->accepted);
	no_call_within(0.3);
}

static void the_call_itself_may_fail(void **state)
{
	(void)state;
	put("a.org", "pub", 0);
	begin();
	fake_client_error = -ENOMEM;
	event_base_loop(base, EVLOOP_ONCE);
	fake_client_error = 0;
	wait_for_call(10);
	fake_reply(ANNOUNCE, NULL, 0, json_pack("[n]"), 0, NULL);
}

static void a_new_public_proxy_is_watched(void **state)
{
	(void)state;
	begin();
	no_call_within(0.1);
	put("a.org", "pub", 0);
	assert_int_equal(announcer_watch(announcer, "pub"), 0);
	assert_int_equal(announcer_watch(announcer, "pub"), 0);
	no_call_within(0.2); /* it was announced by the call that made it known */
}

/* One that was unreachable answers somebody else's announcement: now send the others. */
static void news_of_a_proxy_end_the_waiting(void **state)
{
	(void)state;
	put("a.org", "pub", 0);
	begin();
	wait_for_call(10);
	for (unsigned i = 0; i < 4; i++) {
		fake_reply(ANNOUNCE, NULL, -ECONNREFUSED, NULL, 0, "connection refused");
		wait_for_call(10);
	}
	fake_reply(ANNOUNCE, NULL, -ECONNREFUSED, NULL, 0, "connection refused");
	put("b.org", "pub", 0);
	assert_int_equal(announcer_watch(announcer, "pub"), 0);
	wait_for_call(10);
	assert_true(waited_cpu < 0.4);
	fake_reply(ANNOUNCE, TWO, 0, json_pack("[n, n]"), 0, NULL);
}

static void stopping_ends_it(void **state)
{
	(void)state;
	put("a.org", "pub", 0);
	begin();
	wait_for_call(10);
	announcer_stop(announcer);
	fake_reply(ANNOUNCE, NULL, -ECONNREFUSED, NULL, 0, "connection refused");
	no_call_within(0.5);
}

static void a_record_may_go_during_the_call(void **state)
{
	(void)state;
	put("a.org", "pub", 0);
	put("b.org", "pub", 0);
	begin();
	wait_for_call(10);
	assert_int_equal(announcements_remove(all, "a.org", "pub"), 0);
	assert_int_equal(announcements_commit(all), 1);
	fake_reply(ANNOUNCE, TWO, 0, json_pack("[n, n]"), 0, NULL);
	assert_true(announcements_find(all, "b.org", "pub")->accepted);
}

static void far_expiries_are_brought_near(void **state)
{
	int64_t now = timestamp_now(), at;

	(void)state;
	json_t *connection = announcer_connection("a.org", "pub", now + 30LL * 86400000, now);
	const char *text = json_string_value(json_object_get(connection, "expires_at"));
	assert_int_equal(timestamp_parse(text, &at), 0);
	assert_true(at < now + 7LL * 86400000 && at > now + 6LL * 86400000);
	json_decref(connection);
	announcer = NULL;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_of_a_proxy_in_one_call),
		TEST(refusals_are_kept_item_by_item),
		TEST(acceptance_is_told),
		TEST(nothing_accepted_is_not_told),
		TEST(failures_are_tried_again_with_back_off),
		TEST(the_call_itself_may_fail),
		TEST(a_new_public_proxy_is_watched),
		TEST(news_of_a_proxy_end_the_waiting),
		TEST(stopping_ends_it),
		TEST(a_record_may_go_during_the_call),
		TEST(far_expiries_are_brought_near),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
