// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/sources.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct addr at(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr, 1), 1);
	return addr;
}

static void test_each_source_has_its_limit(void **state)
{
	struct sources *sources = sources_new(2, 100);
	struct addr one = at("192.0.2.1:5"), port = at("192.0.2.1:6"), other = at("192.0.2.2:5");
	struct addr mapped = at("[::ffff:192.0.2.1]:7");
	uint32_t places[2], place;

	(void)state;
	assert_int_equal(sources_enter(sources, &one, &places[0]), 0);
	assert_int_equal(sources_enter(sources, &port, &places[1]), 0);
	assert_int_equal(sources_enter(sources, &one, &place), -EDQUOT);
	assert_int_equal(sources_enter(sources, &mapped, &place), -EDQUOT);
	assert_int_equal(sources_enter(sources, &other, &place), 0);
	sources_leave(sources, places[0]);
	assert_int_equal(sources_enter(sources, &mapped, &place), 0);
	sources_free(sources);
}

static void test_an_ipv6_network_is_one_source(void **state)
{
	struct sources *sources = sources_new(1, 100);
	struct addr one = at("[2001:db8:1:2::1]:5"), neighbour = at("[2001:db8:1:2:3::9]:5");
	struct addr other = at("[2001:db8:1:3::1]:5");
	uint32_t place;

	(void)state;
	assert_int_equal(sources_enter(sources, &one, &place), 0);
	assert_int_equal(sources_enter(sources, &neighbour, &place), -EDQUOT);
	assert_int_equal(sources_enter(sources, &other, &place), 0);
	sources_free(sources);
}

static void test_all_together_have_one(void **state)
{
	struct sources *sources = sources_new(10, 3);
	uint32_t places[4];
	char text[32];

	(void)state;
	for (int i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), "192.0.2.%d:1", i);
		struct addr addr = at(text);
		assert_int_equal(sources_enter(sources, &addr, &places[i]), i < 3 ? 0 : -EUSERS);
	}
	sources_leave(sources, places[0]);
	struct addr addr = at("198.51.100.1:1");
	assert_int_equal(sources_enter(sources, &addr, &places[3]), 0);
	sources_free(sources);
}

/* Lower ones are for those who come. */
static void other_limits(void **state)
{
	struct sources *sources = sources_new(2, 10);
	struct addr one;
	uint32_t place;

	(void)state;
	assert_int_equal(addr_parse("192.0.2.1:5", &one, 1), 1);
	assert_int_equal(sources_enter(sources, &one, &place), 0);
	sources_limit(sources, 1, 10);
	assert_int_equal(sources_enter(sources, &one, &place), -EDQUOT);
	sources_limit(sources, 5, 1);
	assert_int_equal(sources_enter(sources, &one, &place), -EUSERS);
	sources_limit(sources, 5, 2);
	assert_int_equal(sources_enter(sources, &one, &place), 0);
	sources_free(sources);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_source_has_its_limit),
		cmocka_unit_test(test_an_ipv6_network_is_one_source),
		cmocka_unit_test(test_all_together_have_one),
		cmocka_unit_test(other_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
