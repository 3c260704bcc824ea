// SPDX-License-Identifier: BSD-2-Clause
/* Entries by name: quick to find, and gone when nobody needs them. */
#include "user/flow/operators.h"

#include "common/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MANY 10000

static const char *name_of(unsigned i)
{
	static char name[40];

	snprintf(name, sizeof(name), "private-proxy-%u.example.org", i);
	return name;
}

static void one_by_its_name(void **state)
{
	struct operator_table table;

	(void)state;
	operators_init(&table);
	assert_null(operators_find(&table, "one"));
	struct operator_entry *one = operators_get(&table, "one");
	assert_string_equal(one->name, "one");
	assert_ptr_equal(operators_get(&table, "one"), one);
	assert_ptr_equal(operators_find(&table, "one"), one);
	assert_ptr_not_equal(operators_get(&table, "on"), one);
	assert_null(operators_find(&table, ""));
	operators_clear(&table);
	assert_null(operators_find(&table, "one"));
}

static void stays_while_it_is_needed(void **state)
{
	struct operator_table table;

	(void)state;
	operators_init(&table);
	struct operator_entry *one = operators_get(&table, "one");
	one->n_waiting = one->n_parked = 1;
	operators_release(&table, one);
	assert_ptr_equal(operators_find(&table, "one"), one);
	one->n_waiting = 0;
	operators_release(&table, one);
	assert_ptr_equal(operators_find(&table, "one"), one);
	one->n_parked = 0;
	operators_release(&table, one);
	assert_null(operators_find(&table, "one"));
	operators_clear(&table);
}

/* The sanitizer would tell of one that is left. */
static void many_come_and_go(void **state)
{
	struct operator_table table;

	(void)state;
	operators_init(&table);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < MANY; i++)
			operators_get(&table, name_of(i))->n_waiting = 1;
		assert_int_equal(table.by_name.n, MANY);
		for (unsigned i = 0; i < MANY; i++) {
			struct operator_entry *entry = operators_find(&table, name_of(i));

			assert_non_null(entry);
			entry->n_waiting--;
			operators_release(&table, entry);
		}
		assert_int_equal(table.by_name.n, 0);
		assert_int_equal(table.n_spare, OPERATORS_SPARE);
	}
	operators_clear(&table);
	assert_int_equal(table.n_spare, 0);
}

/* Clients one after the other: the same memory each time, as if it were new. */
static void one_after_the_other(void **state)
{
	struct operator_table table;

	(void)state;
	operators_init(&table);
	struct operator_entry *first = operators_get(&table, "private-proxy-1");
	operators_release(&table, first);
	assert_null(operators_find(&table, "private-proxy-1"));
	struct operator_entry *second = operators_get(&table, "two");
	assert_ptr_equal(second, first);
	assert_string_equal(second->name, "two");
	assert_int_equal(second->n_waiting + second->n_parked, 0);
	assert_true(LIST_EMPTY(&second->parked));
	operators_release(&table, second);
	operators_clear(&table);
}

static void no_longer_than_names_are(void **state)
{
	char name[OPERATOR_MAX + 2];
	struct operator_table table;

	(void)state;
	operators_init(&table);
	memset(name, 'x', sizeof(name));
	name[OPERATOR_MAX + 1] = '\0';
	assert_null(operators_get(&table, name));
	name[OPERATOR_MAX] = '\0';
	assert_string_equal(operators_get(&table, name)->name, name);
	operators_clear(&table);
}

#define LOOK_UPS 20000

/* ns each, one after the other all over the table. */
static uint64_t time_look_ups(const struct operator_table *table, char (*names)[40], unsigned n)
{
	uint64_t begin = clock_now();

	for (unsigned i = 0, at = 0; i < LOOK_UPS; i++, at = (at + 7919) % n)
		assert_true(operators_find(table, names[at]) != NULL);
	return (clock_now() - begin) / LOOK_UPS;
}

/* Printed, not asserted: the machine may be busy, so the best of some runs. */
static void time_of_a_look_up(void **state)
{
	static char names[MANY][40];
	struct operator_table table;

	(void)state;
	operators_init(&table);
	for (unsigned n = 1000; n <= MANY; n *= 10) {
		uint64_t best = UINT64_MAX;

		for (unsigned i = 0; i < n; i++) {
			snprintf(names[i], sizeof(names[i]), "%s", name_of(i));
			assert_non_null(operators_get(&table, names[i]));
		}
		for (unsigned run = 0; run < 10; run++) {
			uint64_t ns = time_look_ups(&table, names, n);

			best = ns < best ? ns : best;
		}
		printf("operators_find(): %lu ns of %u operators\n", (unsigned long)best, n);
	}
	operators_clear(&table);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_by_its_name),
		cmocka_unit_test(stays_while_it_is_needed),
		cmocka_unit_test(many_come_and_go),
		cmocka_unit_test(one_after_the_other),
		cmocka_unit_test(no_longer_than_names_are),
		cmocka_unit_test(time_of_a_look_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
