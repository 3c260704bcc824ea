// SPDX-License-Identifier: BSD-2-Clause
/* How long answers are kept, and what is given out when they are old. */
#include "tests/unit/common/dns/fixture.h"

static void kept_for_the_ttl(void **state)
{
	(void)state;
	first.zone[0] = (struct record){"a.test", 1, 0, 1, 1, 0};
	assert_leads_to("a.test:1", "192.0.2.1:1");
	first.zone[0].first = 2;
	assert_leads_to("a.test:2", "192.0.2.1:2");
	assert_int_equal(first.n_a, 1);
	turn_for(1050);
	/* A server near by tells the new one before the old one is given out. */
	assert_leads_to("a.test:1", "192.0.2.2:1");
	assert_int_equal(first.n_a, 2);
}

static void at_least_a_second_and_at_most_the_setting(void **state)
{
	struct resolver_settings settings = two_servers();

	(void)state;
	settings.max_ttl_ms = 1200;
	renew(&settings);
	first.zone[0] = (struct record){"zero.test", 1, 0, 1, 0, 0};
	first.zone[1] = (struct record){"long.test", 1, 0, 1, 100000, 0};
	assert_in_range(look_up("zero.test:1").ttl_ms, 900, 1000);
	assert_in_range(look_up("long.test:1").ttl_ms, 1100, 1200);
	look_up("zero.test:1");
	assert_int_equal(first.n_a, 2);
}

static void an_old_answer_while_nobody_tells(void **state)
{
	(void)state;
	first.zone[0] = second.zone[0] = (struct record){"a.test", 1, 0, 1, 1, 0};
	look_up("a.test:1");
	turn_for(1050);
	first.zone[0].how = second.zone[0].how = SILENT;
	struct outcome outcome = look_up("a.test:1");
	assert_int_equal(outcome.n, 1);
	assert_in_range(outcome.took_ms, 50, 400);
	assert_int_equal(outcome.ttl_ms, 0);
	/* Nor is anybody kept waiting who comes later. */
	outcome = look_up("a.test:1");
	assert_in_range(outcome.took_ms, 0, 20);
	assert_string_equal(outcome.list[0], "192.0.2.1:1");
}

static void an_old_answer_when_they_fail(void **state)
{
	struct resolver_settings settings = two_servers();

	(void)state;
	settings.max_stale_ms = 1500;
	renew(&settings);
	first.zone[0] = second.zone[0] = (struct record){"a.test", 1, 0, 1, 1, 0};
	look_up("a.test:1");
	first.zone[0].how = second.zone[0].how = FAILS;
	turn_for(1050);
	assert_leads_to("a.test:1", "192.0.2.1:1");
	/* … but not for ever. */
	turn_for(1600);
	assert_int_equal(look_up("a.test:1").n, -EIO);
}

static void a_name_that_is_gone_is_gone(void **state)
{
	(void)state;
	first.zone[0] = (struct record){"a.test", 1, 0, 1, 1, 0};
	look_up("a.test:1");
	first.zone[0].how = DENIED;
	turn_for(1050);
	assert_int_equal(look_up("a.test:1").n, -ENOENT);
	unsigned asked = first.n_a;
	assert_int_equal(look_up("a.test:1").n, -ENOENT);
	assert_int_equal(first.n_a, asked); /* which is believed for a moment */
	first.zone[0].how = 0;
	turn_for(2050);
	assert_leads_to("a.test:1", "192.0.2.1:1");
}

static void asked_anew_when_refused(void **state)
{
	(void)state;
	first.zone[0] = (struct record){"a.test", 1, 0, 1, 300, 0};
	look_up("a.test:1");
	first.zone[0].first = 2;
	resolver_refused(resolver, "a.test:1");
	turn_for(50);
	assert_int_equal(first.n_a, 1); /* it was told just now */
	assert_leads_to("a.test:1", "192.0.2.1:1");
	turn_for(1000);
	resolver_refused(resolver, "a.test:1");
	resolver_refused(resolver, "A.test:2");
	assert_leads_to("a.test:1", "192.0.2.2:1");
	assert_int_equal(first.n_a, 2);
	resolver_refused(resolver, "192.0.2.1:1");
	resolver_refused(resolver, "never.heard.of:1");
	resolver_refused(resolver, "nonsense");
}

/* Better than nothing: it may be there again. */
static void refused_and_nobody_tells(void **state)
{
	(void)state;
	first.zone[0] = second.zone[0] = (struct record){"a.test", 1, 0, 1, 300, 0};
	look_up("a.test:1");
	turn_for(1050);
	first.zone[0].how = second.zone[0].how = FAILS;
	resolver_refused(resolver, "a.test:1");
	assert_leads_to("a.test:1", "192.0.2.1:1");
}

static void the_late_family_is_added(void **state)
{
	(void)state;
	first.zone[0] = (struct record){"a.test", 1, 1, 1, 300, SILENT_AAAA};
	second.zone[0] = (struct record){"a.test", 1, 1, 1, 300, 0};
	assert_int_equal(look_up("a.test:1").n, 1);
	turn_for(600);
	assert_int_equal(look_up("a.test:1").n, 2);
	assert_int_equal(first.n_a, 1);
}

static void names_are_bounded(void **state)
{
	struct resolver_settings settings = two_servers();

	(void)state;
	settings.max_names = 100;
	settings.max_lookups = 100;
	renew(&settings);
	first.zone[0] = (struct record){NULL, 1, 0, 1, 300, 0};
	for (unsigned i = 0; i < 10000; i++) {
		char name[32];
		snprintf(name, sizeof(name), "n%u.test:1", i);
		struct outcome outcome = {0};
		resolver_lookup(resolver, name, on_done, &outcome);
		while (outcome.calls == 0)
			event_base_loop(base, EVLOOP_ONCE);
		assert_int_equal(outcome.n, 1);
	}
	assert_true(first.n_a >= 10000);
	unsigned asked = first.n_a;
	look_up("n9950.test:1");
	assert_int_equal(first.n_a, asked);
	look_up("n9000.test:1"); /* gone */
	assert_int_equal(first.n_a, asked + 1);
}

/* The one that answers keeps being asked; the other one is tried beside it, and goes first again
 * when it is back. */
static void a_server_that_is_back_is_noticed(void **state)
{
	(void)state;
	first.zone[0] = (struct record){.how = SILENT};
	second.zone[0] = (struct record){NULL, 1, 0, 2, 1, 0};
	look_up("a.test:1");
	first.zone[0] = (struct record){NULL, 1, 0, 1, 1, 0};
	unsigned asked = first.n_a;
	turn_for(5100);
	assert_leads_to("a.test:1", "192.0.2.2:1");
	turn_for(1100);
	assert_true(first.n_a + first.n_aaaa > asked);
	assert_leads_to("a.test:1", "192.0.2.1:1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(kept_for_the_ttl),
		TEST(at_least_a_second_and_at_most_the_setting),
		TEST(an_old_answer_while_nobody_tells),
		TEST(an_old_answer_when_they_fail),
		TEST(a_name_that_is_gone_is_gone),
		TEST(asked_anew_when_refused),
		TEST(refused_and_nobody_tells),
		TEST(the_late_family_is_added),
		TEST(names_are_bounded),
		TEST(a_server_that_is_back_is_noticed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
