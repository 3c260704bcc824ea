// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/cleanup.h"
#include "common/net/rate_limit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct addr source_of(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr, 1), 1);
	return addr;
}

static struct rate_limit *limit_of(const char *json)
{
	AUTO_JSON json_t *settings = json_loads(json, 0, NULL);
	struct rate_limit *limit = NULL;

	assert_int_equal(rate_limit_new(settings, &limit), 0);
	return limit;
}

static void test_window(void **state)
{
	struct rate_limit *limit = limit_of("[{\"type\":\"second\",\"limit\":2},"
					    "{\"type\":\"minute\",\"limit\":3}]");
	struct addr a = source_of("192.0.2.1:1"), mapped = source_of("[::ffff:192.0.2.1]:9");
	struct addr b = source_of("192.0.2.2:1");

	(void)state;
	assert_true(rate_limit_admit(limit, &a, 0));
	assert_true(rate_limit_admit(limit, &mapped, 999));
	assert_false(rate_limit_admit(limit, &a, 999));
	assert_true(rate_limit_admit(limit, &b, 999));
	assert_true(rate_limit_admit(limit, &a, 1000));
	assert_false(rate_limit_admit(limit, &a, 2000));
	assert_true(rate_limit_admit(limit, &a, 60000));
	rate_limit_free(limit);
}

static void test_ipv6_by_network(void **state)
{
	struct rate_limit *limit = limit_of("[{\"type\":\"hour\",\"limit\":1}]");
	struct addr a = source_of("[2001:db8::1]:1"), same = source_of("[2001:db8::2]:1");
	struct addr other = source_of("[2001:db8:0:1::1]:1");

	(void)state;
	assert_true(rate_limit_admit(limit, &a, 5));
	assert_false(rate_limit_admit(limit, &same, 6));
	assert_true(rate_limit_admit(limit, &other, 7));
	rate_limit_free(limit);
}

/* More sources than there is room for: the table does not grow, and nobody crashes. */
static void test_many_sources(void **state)
{
	struct rate_limit *limit = limit_of("[{\"type\":\"hour\",\"limit\":1}]");
	size_t admitted = 0;
	char text[32];

	(void)state;
	for (unsigned i = 0; i < 40000; i++) {
		snprintf(text, sizeof(text), "10.%u.%u.%u:1", i >> 16, i >> 8 & 255, i & 255);
		struct addr addr = source_of(text);
		admitted += rate_limit_admit(limit, &addr, 1);
	}
	assert_in_range(admitted, 4000, 8192);
	rate_limit_free(limit);
}

static void test_none(void **state)
{
	AUTO_JSON json_t *bad = json_loads("[{\"type\":\"year\",\"limit\":1}]", 0, NULL);
	AUTO_JSON json_t *empty = json_array();
	struct rate_limit *limit = (void *)1;
	struct addr a = source_of("192.0.2.1:1");

	(void)state;
	assert_int_equal(rate_limit_new(bad, &limit), -EINVAL);
	assert_int_equal(rate_limit_new(empty, &limit), 0);
	assert_null(limit);
	assert_true(rate_limit_admit(limit, &a, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_ipv6_by_network),
		cmocka_unit_test(test_many_sources),
		cmocka_unit_test(test_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
