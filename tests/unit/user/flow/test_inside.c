// SPDX-License-Identifier: BSD-2-Clause
/* What a private worker remembers of where names lead. */
#include "user/flow/inside.h"

#include "common/base/clock.h"
#include "common/base/domain.h"
#include "user/wire/limits.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW (1000 * NS_PER_S)

static int set_up(void **state)
{
	*state = inside_memory_new();
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	inside_memory_free(*state);
	return 0;
}

static struct addr address(uint16_t port)
{
	struct addr addr = {.len = sizeof(struct sockaddr_in)};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

	memcpy(&addr.sa, &in, sizeof(in));
	return addr;
}

static void learn(void *memory, const char *domain, const char *proxy, uint16_t port, uint64_t now)
{
	const struct addr addrs[] = {address(port), address((uint16_t)(port + 1))};

	inside_learn(memory, domain, proxy, addrs, 2, now);
}

/* The first address's port; 0: it has to be asked for. */
static uint16_t recall(void *memory, const char *domain, const char *proxy, uint64_t now)
{
	struct addr ret[ENDPOINT_ADDRS];
	struct sockaddr_in in;
	unsigned n = inside_recall(memory, domain, proxy, now, ret);

	if (n == 0)
		return 0;
	assert_int_equal(n, 2);
	memcpy(&in, &ret[0].sa, sizeof(in));
	return ntohs(in.sin_port);
}

static void each_name_and_proxy_of_its_own(void **state)
{
	learn(*state, "a.example", "public-1", 1000, NOW);
	assert_int_equal(recall(*state, "a.example", "public-1", NOW), 1000);
	assert_int_equal(recall(*state, "b.example", "public-1", NOW), 0);
	assert_int_equal(recall(*state, "a.example", "public-2", NOW), 0);
	assert_int_equal(recall(*state, "a.example", "", NOW), 0);
	learn(*state, "a.example", "public-1", 2000, NOW);
	assert_int_equal(recall(*state, "a.example", "public-1", NOW), 2000);
}

static void for_a_second(void **state)
{
	learn(*state, "a.example", "public-1", 1000, NOW);
	assert_int_equal(recall(*state, "a.example", "public-1", NOW + NS_PER_S - 1), 1000);
	assert_int_equal(recall(*state, "a.example", "public-1", NOW + NS_PER_S), 0);
	/* Being asked for does not make it last longer; being learned again does. */
	learn(*state, "a.example", "public-1", 1000, NOW + NS_PER_S);
	assert_int_equal(recall(*state, "a.example", "public-1", NOW + NS_PER_S), 1000);
}

/* More names than places: the oldest are forgotten, none is taken for another. */
static void many_names(void **state)
{
	char name[32];

	for (uint16_t i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "n%u.example", i);
		learn(*state, name, "public-1", (uint16_t)(1000 + 2 * i), NOW + i);
		assert_int_equal(recall(*state, name, "public-1", NOW + i), 1000 + 2 * i);
	}
	for (uint16_t i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "n%u.example", i);
		uint16_t port = recall(*state, name, "public-1", NOW + 200);
		assert_int_equal(port, i < 200 - 16 ? 0 : 1000 + 2 * i);
	}
}

/* What fits no operator or domain is asked for each time. */
static void too_long(void **state)
{
	char longest[DOMAIN_MAX + 1], longer[DOMAIN_MAX + 2];

	memset(longest, 'x', DOMAIN_MAX);
	longest[DOMAIN_MAX] = '\0';
	memset(longer, 'x', DOMAIN_MAX + 1);
	longer[DOMAIN_MAX + 1] = '\0';
	learn(*state, longest, "public-1", 1000, NOW);
	assert_int_equal(recall(*state, longest, "public-1", NOW), 1000);
	learn(*state, longer, "public-1", 1000, NOW);
	assert_int_equal(recall(*state, longer, "public-1", NOW), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_name_and_proxy_of_its_own, set_up, tear_down),
		cmocka_unit_test_setup_teardown(for_a_second, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(too_long, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
