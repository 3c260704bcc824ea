// SPDX-License-Identifier: BSD-2-Clause
#include "user/mail/routes.h"

#include "common/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct route table[] = {
	{"a.example.org", "exact", 0},   {"*.example.org", "wild", 0},
	{"b.example.org", "late", 1000}, {"*.b.example.org", "deep", 1000},
	{"only.org", "timed", 1000},
};

static void assert_route(const struct routes *routes, const char *name, int64_t now,
			 const char *owner)
{
	const struct route *route = routes_find(routes, name, now);

	if (!owner) {
		assert_null(route);
		return;
	}
	assert_non_null(route);
	assert_string_equal(route->owner, owner);
}

static void the_most_specific_name_wins(void **state)
{
	struct routes *routes = routes_new(table, 5);

	(void)state;
	assert_route(routes, "a.example.org", 0, "exact");
	assert_route(routes, "x.example.org", 0, "wild");
	assert_route(routes, "x.b.example.org", 0, "deep");
	assert_route(routes, "x.a.example.org", 0, NULL);
	assert_route(routes, "example.org", 0, NULL);
	assert_route(routes, "org", 0, NULL);
	assert_route(routes, "", 0, NULL);
	assert_route(routes, ".example.org", 0, "wild"); /* never asked: it is no server name */
	assert_route(routes, "*.example.org", 0, NULL);
	routes_unref(routes);
}

static void what_has_expired_is_not_found(void **state)
{
	struct routes *routes = routes_new(table, 5);

	(void)state;
	assert_route(routes, "only.org", 999, "timed");
	assert_route(routes, "only.org", 1000, NULL);
	assert_route(routes, "b.example.org", 999, "late");
	assert_route(routes, "b.example.org", 1000, "wild");
	assert_route(routes, "x.b.example.org", 1000, NULL);
	routes_unref(routes);
}

static void copies_its_list(void **state)
{
	char domain[] = "a.org", owner[] = "x";
	struct route route = {domain, owner, 0};
	struct routes *routes = routes_new(&route, 1);

	(void)state;
	domain[0] = owner[0] = '?';
	assert_route(routes, "a.org", 0, "x");
	struct routes *second = routes_ref(routes);
	routes_unref(routes);
	assert_route(second, "a.org", 0, "x");
	routes_unref(second);
	routes_unref(NULL);
}

static void the_later_of_equal_names_counts(void **state)
{
	const struct route twice[] = {{"a.org", "x", 0}, {"a.org", "y", 0}};
	struct routes *routes = routes_new(twice, 2);

	(void)state;
	assert_route(routes, "a.org", 0, "y");
	routes_unref(routes);
}

static void long_names_are_no_danger(void **state)
{
	struct routes *routes = routes_new(table, 5);
	char name[2000];

	(void)state;
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_route(routes, name, 0, NULL);
	name[1] = '.';
	assert_route(routes, name, 0, NULL);
	routes_unref(routes);
	routes = routes_new(NULL, 0);
	assert_route(routes, "a.org", 0, NULL);
	routes_unref(routes);
}

static void holds_many(void **state)
{
	enum { N = 50000 };
	struct route *list = calloc(N, sizeof(*list));
	char(*names)[24] = calloc(N, sizeof(*names));

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		snprintf(names[i], sizeof(names[i]), "n%u.example.org", i);
		list[i] = (struct route){names[i], names[i] + 1, 0};
	}
	struct routes *routes = routes_new(list, N);
	for (unsigned i = 0; i < N; i++)
		assert_route(routes, names[i], 0, names[i] + 1);
	assert_route(routes, "m0.example.org", 0, NULL);
	routes_unref(routes);
	free(names);
	free(list);
}

/* Printed, not asserted: the machine may be busy, so the best of some runs. */
static void time_of_a_look_up(void **state)
{
	enum { N = 10000 };
	static struct route list[N];
	static char names[N][24];
	uint64_t best = UINT64_MAX;

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		snprintf(names[i], sizeof(names[i]), "n%u.example.org", i);
		list[i] = (struct route){names[i], "private-1", 0};
	}
	struct routes *routes = routes_new(list, N);
	for (unsigned run = 0; run < 10; run++) {
		uint64_t begin = clock_now();

		for (unsigned i = 0, at = 0; i < 2 * N; i++, at = (at + 7919) % N)
			assert_true(routes_find(routes, names[at], 0) != NULL);
		uint64_t ns = (clock_now() - begin) / (2 * N);
		best = ns < best ? ns : best;
	}
	printf("routes_find(): %lu ns of %d names\n", (unsigned long)best, N);
	routes_unref(routes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_most_specific_name_wins),
		cmocka_unit_test(what_has_expired_is_not_found),
		cmocka_unit_test(copies_its_list),
		cmocka_unit_test(the_later_of_equal_names_counts),
		cmocka_unit_test(long_names_are_no_danger),
		cmocka_unit_test(holds_many),
		cmocka_unit_test(time_of_a_look_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
