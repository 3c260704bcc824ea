// SPDX-License-Identifier: BSD-2-Clause
/* What a public proxy's state machine does in which state; the timer's turns are taken by hand. */
#include "common/base/timestamp.h"
#include "tests/unit/user/fakes.h"
#include "user/private/public_proxy.h"

#include <errno.h>
#include <stdio.h>

static struct event_base *base;
static struct announcements *all;
static struct announcer announcer;
static struct public_proxy proxy;

static int start(void **state)
{
	const struct announcements_limits limits = {.total = 10, .per_owner = 10};
	const struct stored a = {"a.org", "pub", "x", 0}, b = {"b.org", "pub", "x", 0};

	(void)state;
	base = event_base_new();
	if (announcements_new(NULL, &limits, timestamp_now(), &all) < 0 ||
	    announcements_put(all, &a) != 1 || announcements_put(all, &b) != 1)
		return -1;
	announcer = (struct announcer){
		.base = base, .name = "me", .announcements = all, .started = true};
	proxy = (struct public_proxy){.announcer = &announcer, .name = (char *)"pub"};
	remote_init(&proxy.remote, &public_proxy_pace, true);
	proxy.timer = evtimer_new(base, public_proxy_turn, &proxy);
	return announcements_commit(all) == 1 ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	event_free(proxy.timer);
	remote_clear(&proxy.remote);
	announcements_free(all);
	event_base_free(base);
	return n_fake_requests;
}

static void turn(void)
{
	public_proxy_turn(-1, EV_TIMEOUT, &proxy);
}

/* ms until the timer fires, -1: it rests. */
static long waits(void)
{
	struct timeval due, now;

	if (!evtimer_pending(proxy.timer, &due))
		return -1;
	evutil_gettimeofday(&now, NULL);
	return (due.tv_sec - now.tv_sec) * 1000 + (due.tv_usec - now.tv_usec) / 1000;
}

#define ANNOUNCE "pub.announceConnections"
#define PROBE    "pub.getAnnouncements"

static void reach(void)
{
	turn();
	fake_reply(ANNOUNCE, NULL, 0, json_pack("[n, n]"), 0, NULL);
	assert_true(waits() > 9000 && waits() <= 10500);
}

static json_t *holds(const char *domain, const char *operator)
{
	return json_pack("[{s:s, s:s, s:n}]", "domain", domain, "operator", operator, "expires_at");
}

static void asks_for_each_in_turn(void **state)
{
	(void)state;
	reach();
	turn();
	fake_reply(PROBE, "{\"domain\": \"a.org\", \"operator\": \"me\"}", 0, holds("A.org", "me"),
		   0, NULL);
	assert_true(waits() > 9000);
	turn();
	fake_reply(PROBE, "{\"domain\": \"b.org\", \"operator\": \"me\"}", 0, holds("b.org", "me"),
		   0, NULL);
	turn();
	fake_reply(PROBE, "{\"domain\": \"a.org\", \"operator\": \"me\"}", 0, holds("a.org", "me"),
		   0, NULL);
}

static void announces_at_once_what_was_lost(void **state)
{
	(void)state;
	reach();
	turn();
	fake_reply(PROBE, NULL, 0, json_array(), 0, NULL);
	assert_true(waits() <= 300);
	turn();
	fake_reply(ANNOUNCE, NULL, 0, json_pack("[n, n]"), 0, NULL);
	/* Another operator's does not count as ours. */
	turn();
	fake_reply(PROBE, NULL, 0, holds("b.org", "you"), 0, NULL);
	assert_true(waits() <= 300);
}

static void announces_when_it_comes_back(void **state)
{
	(void)state;
	reach();
	turn();
	fake_reply(PROBE, NULL, -ECONNREFUSED, NULL, 0, "connection refused");
	assert_true(waits() >= 50 && waits() <= 500);
	assert_string_equal(proxy.remote.problem, "connection refused");
	turn();
	fake_reply(ANNOUNCE, NULL, -EPROTO, NULL, 1, "no channel");
	assert_string_equal(proxy.remote.problem, "1 no channel");
	turn();
	fake_reply(ANNOUNCE, NULL, 0, json_pack("[n, n]"), 0, NULL);
	assert_null(proxy.remote.problem);
	assert_true(waits() > 9000);
}

static void waits_longer_after_a_minute(void **state)
{
	(void)state;
	turn();
	for (unsigned i = 0; i < 8; i++) {
		fake_reply(ANNOUNCE, NULL, -ETIMEDOUT, NULL, 0, "timed out");
		assert_true(waits() <= 1500);
		turn();
	}
	proxy.remote.gone_at -= 60000;
	fake_reply(ANNOUNCE, NULL, -ETIMEDOUT, NULL, 0, "timed out");
	assert_true(waits() > 14000 && waits() <= 30500);
	turn();
	for (unsigned i = 0; i < 40; i++) {
		fake_reply(ANNOUNCE, NULL, -ETIMEDOUT, NULL, 0, "timed out");
		assert_true(waits() > 14000 && waits() <= 30500);
		turn();
	}
	json_decref(fake_take().params);
	json_decref(proxy.sent);
}

static void does_without_probes_that_are_refused(void **state)
{
	(void)state;
	reach();
	turn();
	fake_reply(PROBE, NULL, -EPROTO, NULL, 403, "Permission denied");
	assert_true(waits() > 590000);
	turn();
	assert_int_equal(n_fake_requests, 0);
	assert_true(waits() > 590000);
}

static void refused_items_come_again_sooner(void **state)
{
	(void)state;
	turn();
	fake_reply(ANNOUNCE, NULL, 0,
		   json_pack("[{s:i, s:s}, {s:i, s:s}]", "code", 409, "message", "already taken",
			     "code", 403, "message", "not allowed"),
		   0, NULL);
	/* Nothing to probe for, so it waits; what is refused is sent again after a minute. */
	turn();
	assert_int_equal(n_fake_requests, 0);
	proxy.next_announce -= 60000;
	turn();
	fake_reply(ANNOUNCE, NULL, 0, json_pack("[n, n]"), 0, NULL);
	assert_null(announcements_find(all, "a.org", "pub")->refusal);
}

static void rests_when_there_is_nothing(void **state)
{
	(void)state;
	reach();
	announcements_remove(all, "a.org", "pub");
	announcements_remove(all, "b.org", "pub");
	assert_int_equal(announcements_commit(all), 1);
	event_del(proxy.timer);
	proxy.next_announce = 0;
	turn();
	assert_int_equal(n_fake_requests, 0);
	assert_int_equal(waits(), -1);
	public_proxy_accepted(&proxy);
	assert_true(waits() > 9000);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(asks_for_each_in_turn),
		TEST(announces_at_once_what_was_lost),
		TEST(announces_when_it_comes_back),
		TEST(waits_longer_after_a_minute),
		TEST(does_without_probes_that_are_refused),
		TEST(refused_items_come_again_sooner),
		TEST(rests_when_there_is_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
