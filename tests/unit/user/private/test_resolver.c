// SPDX-License-Identifier: BSD-2-Clause
#include "user/private/resolver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <unistd.h>

static struct event_base *base;
static unsigned answers;
static int last_n;
static char last[ADDR_TEXT_MAX];

static void done(int n, const struct addr *list, void *arg)
{
	assert_ptr_equal(arg, &answers);
	answers++;
	last_n = n;
	if (n > 0)
		addr_format(&list[0], last);
}

static int start(void **state)
{
	struct resolver *resolver = NULL;

	base = event_base_new();
	answers = 0;
	int r = resolver_new(base, &resolver);
	*state = resolver;
	return r;
}

static int end(void **state)
{
	resolver_free(*state);
	event_base_free(base);
	return 0;
}

static void addresses_need_no_turn(void **state)
{
	resolver_lookup(*state, "192.0.2.7:443", done, &answers);
	assert_int_equal(answers, 1);
	assert_string_equal(last, "192.0.2.7:443");
	resolver_lookup(*state, "localhost:8888", done, &answers);
	assert_int_equal(last_n, 2);
	assert_string_equal(last, "127.0.0.1:8888");
	resolver_lookup(*state, "no port", done, &answers);
	assert_int_equal(last_n, -EINVAL);
	assert_int_equal(answers, 3);
}

/* A name of /etc/hosts: the machine's own, if it has one there. */
static void names_are_looked_up(void **state)
{
	char name[64], endpoint[80];

	gethostname(name, sizeof(name));
	snprintf(endpoint, sizeof(endpoint), "%s:77", name);
	resolver_lookup(*state, endpoint, done, &answers);
	while (answers == 0)
		event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(answers, 1);
	if (last_n < 0)
		skip(); /* neither there nor in the DNS */
	/* The second time it is remembered. */
	resolver_lookup(*state, endpoint, done, &answers);
	assert_int_equal(answers, 2);
	assert_true(last_n > 0);
}

/* One question for all who ask the same, and not again at once when there is no answer. */
static void same_names_are_asked_once(void **state)
{
	for (unsigned i = 0; i < 1000; i++)
		resolver_lookup(*state, "same.invalid:1", done, &answers);
	while (answers < 1000)
		event_base_loop(base, EVLOOP_ONCE);
	/* More than may be under way: each was answered, and none for want of room. */
	assert_int_equal(answers, 1000);
	assert_int_equal(last_n, -ENOENT);
	resolver_lookup(*state, "same.invalid:1", done, &answers);
	assert_int_equal(answers, 1001);
	assert_int_equal(last_n, -ENOENT);
}

static void freeing_cancels(void **state)
{
	struct resolver *resolver = NULL;

	(void)state;
	assert_int_equal(resolver_new(base, &resolver), 0);
	for (unsigned i = 0; i < 3; i++)
		resolver_lookup(resolver, "name.invalid:1", done, &answers);
	resolver_free(resolver);
	assert_int_equal(answers, 3);
	resolver_free(NULL);
}

static void under_way_is_bounded(void **state)
{
	for (unsigned i = 0; i < 300; i++) {
		char endpoint[40];
		snprintf(endpoint, sizeof(endpoint), "n%u.invalid:1", i);
		resolver_lookup(*state, endpoint, done, &answers);
	}
	/* Those beyond the limit are answered now; all, where no name server is known. */
	assert_true(answers >= 300 - 256);
	assert_true(last_n == -EAGAIN || last_n == -ENOENT);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(addresses_need_no_turn),    TEST(names_are_looked_up),
		TEST(same_names_are_asked_once), TEST(freeing_cancels),
		TEST(under_way_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
