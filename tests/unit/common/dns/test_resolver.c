// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/common/dns/fixture.h"

static void both_families_in_turns(void **state)
{
	(void)state;
	first.zone[0] = (struct record){"two.test", 2, 2, 1, 60, 0};
	struct outcome outcome = look_up("two.test:443");
	assert_int_equal(outcome.n, 4);
	assert_in_range(outcome.ttl_ms, 59000, 60000);
	/* Whichever family is preferred here, they alternate. */
	for (int i = 0; i + 1 < 4; i++)
		assert_int_not_equal(outcome.list[i][0] == '[', outcome.list[i + 1][0] == '[');
	bool v6 = outcome.list[0][0] == '[';
	assert_string_equal(outcome.list[v6 ? 0 : 1], "[2001:db8::1]:443");
	assert_string_equal(outcome.list[v6 ? 1 : 0], "192.0.2.1:443");
	assert_string_equal(outcome.list[v6 ? 3 : 2], "192.0.2.2:443");
}

static void literals_ask_nobody(void **state)
{
	struct outcome outcome = look_up("192.0.2.7:443");

	(void)state;
	assert_int_equal(outcome.n, 1);
	assert_string_equal(outcome.list[0], "192.0.2.7:443");
	assert_string_equal(look_up("[2001:db8::7]:1").list[0], "[2001:db8::7]:1");
	outcome = look_up("localhost:8888");
	assert_int_equal(outcome.n, 2);
	assert_string_equal(outcome.list[0], "127.0.0.1:8888");
	assert_string_equal(look_up("LocalHost.:1").list[1], "[::1]:1");
	outcome = look_up("no port");
	assert_int_equal(outcome.n, -EINVAL);
	assert_string_equal(outcome.reason, "it is no host:port");
	assert_int_equal(first.n_a + second.n_a, 0);
}

static void a_silent_server_costs_once(void **state)
{
	(void)state;
	first.zone[0] = (struct record){.how = SILENT};
	second.zone[0] = (struct record){NULL, 1, 0, 3, 60, 0};
	struct outcome outcome = look_up("a.test:1");
	assert_string_equal(outcome.list[0], "192.0.2.3:1");
	assert_in_range(outcome.took_ms, 300, 1500);
	for (char name[] = "b.test:1"; name[0] < 'm'; name[0]++) {
		outcome = look_up(name);
		assert_int_equal(outcome.n, 1);
		assert_in_range(outcome.took_ms, 0, 200);
	}
	assert_int_equal(first.n_a, 1); /* and it was not asked again */
}

static void a_server_that_is_down_costs_nothing(void **state)
{
	(void)state;
	service_close(&first);
	second.zone[0] = (struct record){NULL, 1, 0, 3, 60, 0};
	struct outcome outcome = look_up("a.test:1");
	assert_int_equal(outcome.n, 1);
	assert_in_range(outcome.took_ms, 0, 200);
}

static void after_servfail_the_next_one_is_asked(void **state)
{
	(void)state;
	first.zone[0] = (struct record){.how = FAILS};
	second.zone[0] = (struct record){NULL, 1, 0, 3, 60, 0};
	struct outcome outcome = look_up("a.test:1");
	assert_int_equal(outcome.n, 1);
	assert_in_range(outcome.took_ms, 0, 200);
}

static void a_truncated_answer_is_fetched_by_tcp(void **state)
{
	(void)state;
	first.zone[0] = (struct record){"many.test", 14, 0, 1, 60, SHORT};
	struct outcome outcome = look_up("many.test:1");
	assert_int_equal(outcome.n, 14);
	assert_true(first.n_tcp > 0);
	assert_int_equal(second.n_tcp, 0);
	assert_true(first.n_edns > 0);
}

static void without_edns_is_fine(void **state)
{
	(void)state;
	first.zone[0] = (struct record){"old.test", 1, 0, 1, 60, NO_EDNS};
	second.zone[0] = (struct record){.how = SILENT};
	struct outcome outcome = look_up("old.test:1");
	assert_int_equal(outcome.n, 1);
	assert_in_range(outcome.took_ms, 0, 200);
}

static void one_family_does_not_spoil_the_other(void **state)
{
	static const unsigned how[] = {0, FAILS_AAAA, SILENT_AAAA};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		first.zone[0] = second.zone[0] = (struct record){NULL, 1, 0, 9, 60, how[i]};
		char name[] = "a.test:1";
		name[0] = (char)('a' + i);
		struct outcome outcome = look_up(name);
		assert_int_equal(outcome.n, 1);
		assert_in_range(outcome.took_ms, 0, 300);
	}
	first.zone[0] = (struct record){NULL, 0, 1, 9, 60, 0};
	assert_leads_to("six.test:1", "[2001:db8::9]:1");
}

static void at_most_so_many_addresses(void **state)
{
	struct resolver_settings settings = two_servers();

	(void)state;
	settings.max_addrs = 3;
	renew(&settings);
	first.zone[0] = (struct record){NULL, 9, 9, 1, 60, 0};
	assert_int_equal(look_up("a.test:1").n, 3);
}

static void the_reason_is_the_resolvers(void **state)
{
	char expected[200];

	(void)state;
	first.zone[0] = (struct record){.how = DENIED};
	struct outcome outcome = look_up("no.test:1");
	assert_int_equal(outcome.n, -ENOENT);
	snprintf(expected, sizeof(expected),
		 "Domain name not found (says name server 127.0.0.1:%u)", first.port);
	assert_string_equal(outcome.reason, expected);

	first.zone[0] = (struct record){"empty.test", 0, 0, 0, 60, 0};
	outcome = look_up("empty.test:1");
	assert_int_equal(outcome.n, -ENOENT);
	assert_non_null(strstr(outcome.reason, "DNS server returned answer with no data"));

	service_close(&first);
	second.zone[0] = (struct record){.how = FAILS};
	outcome = look_up("bad.test:1");
	assert_int_equal(outcome.n, -EIO);
	snprintf(expected, sizeof(expected), "name server 127.0.0.1:%u: %s after 0.0 s", first.port,
		 "Could not contact DNS servers");
	assert_non_null(strstr(outcome.reason, expected));
	snprintf(expected, sizeof(expected), "name server 127.0.0.1:%u: %s after 0.0 s",
		 second.port, "DNS server returned general failure");
	assert_non_null(strstr(outcome.reason, expected));

	outcome = look_up("a..test:1");
	assert_int_equal(outcome.n, -ENOENT);
}

static void a_thousand_at_once(void **state)
{
	static struct outcome outcomes[1000];

	(void)state;
	memset(outcomes, 0, sizeof(outcomes));
	first.zone[0] = second.zone[0] = (struct record){NULL, 1, 0, 3, 60, 0};
	for (unsigned i = 0; i < 1000; i++) {
		char name[32];
		snprintf(name, sizeof(name), "n%u.test:1", i);
		resolver_lookup(resolver, name, on_done, &outcomes[i]);
	}
	turn_for(1500);
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(outcomes[i].calls, 1);
		assert_int_equal(outcomes[i].n, 1);
	}
}

static void under_way_is_bounded(void **state)
{
	struct resolver_settings settings = two_servers();
	static struct outcome outcomes[12];

	(void)state;
	memset(outcomes, 0, sizeof(outcomes));
	settings.max_lookups = 10;
	renew(&settings);
	first.zone[0] = (struct record){NULL, 1, 0, 3, 60, 0};
	for (unsigned i = 0; i < 12; i++) {
		char name[32];
		snprintf(name, sizeof(name), "n%u.test:1", i);
		resolver_lookup(resolver, name, on_done, &outcomes[i]);
	}
	assert_int_equal(outcomes[9].calls, 0);
	assert_int_equal(outcomes[11].calls, 1);
	assert_int_equal(outcomes[11].n, -EAGAIN);
	assert_string_equal(outcomes[11].reason, "10 names are being looked up already");
	turn_for(300);
	assert_int_equal(outcomes[9].n, 1);
}

static void equal_questions_are_one(void **state)
{
	static struct outcome outcomes[100];

	(void)state;
	memset(outcomes, 0, sizeof(outcomes));
	first.zone[0] = (struct record){NULL, 1, 0, 3, 60, 0};
	for (unsigned i = 0; i < 100; i++) {
		char name[32];
		snprintf(name, sizeof(name), "%s.test:%u", i % 2 ? "same" : "SAME", i + 1);
		resolver_lookup(resolver, name, on_done, &outcomes[i]);
	}
	turn_for(100);
	assert_string_equal(outcomes[0].list[0], "192.0.2.3:1");
	assert_string_equal(outcomes[99].list[0], "192.0.2.3:100");
	assert_int_equal(first.n_a, 1);
}

static void freeing_and_cancelling(void **state)
{
	struct outcome freed = {0}, cancelled = {0}, literal = {0};
	struct resolver_wait *wait;

	(void)state;
	first.zone[0] = second.zone[0] = (struct record){.how = SILENT};
	resolver_lookup(resolver, "a.test:1", on_done, &freed);
	assert_int_equal(resolver_start(resolver, "a.test:1", on_done, &cancelled, &wait), 0);
	resolver_cancel(wait);
	assert_int_equal(resolver_start(resolver, "192.0.2.1:1", on_done, &cancelled, &wait), 0);
	resolver_cancel(wait);
	assert_int_equal(resolver_start(resolver, "192.0.2.1:1", on_done, &literal, &wait), 0);
	assert_int_equal(literal.calls, 0);
	turn_for(20);
	assert_int_equal(literal.calls, 1);
	assert_string_equal(literal.list[0], "192.0.2.1:1");
	resolver_free(resolver);
	resolver = NULL;
	assert_int_equal(freed.calls, 1);
	assert_int_equal(freed.n, -ECANCELED);
	assert_int_equal(cancelled.calls, 0);
	resolver_cancel(NULL);
	resolver_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(both_families_in_turns),
		TEST(literals_ask_nobody),
		TEST(a_silent_server_costs_once),
		TEST(a_server_that_is_down_costs_nothing),
		TEST(after_servfail_the_next_one_is_asked),
		TEST(a_truncated_answer_is_fetched_by_tcp),
		TEST(without_edns_is_fine),
		TEST(one_family_does_not_spoil_the_other),
		TEST(at_most_so_many_addresses),
		TEST(the_reason_is_the_resolvers),
		TEST(a_thousand_at_once),
		TEST(under_way_is_bounded),
		TEST(equal_questions_are_one),
		TEST(freeing_and_cancelling),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
