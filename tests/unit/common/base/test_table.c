// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMBERS 10000

struct member {
	struct table_link link;
	char name[24];
};

static struct member members[MEMBERS];
static bool no_memory; /* calloc() fails */

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
	return no_memory ? NULL : __real_calloc(n, size);
}

static bool has_name(const struct table_link *link, const void *name)
{
	const struct member *member = (const void *)link;

	return strcmp(member->name, name) == 0;
}

static struct table_link *find(struct table *table, const char *name)
{
	return table_find(table, table_hash_string(table, name), has_name, name);
}

static void fill(struct table *table)
{
	table_init(table);
	for (int i = 0; i < MEMBERS; i++) {
		snprintf(members[i].name, sizeof(members[i].name), "p-%d.example.org", i);
		table_add(table, &members[i].link, table_hash_string(table, members[i].name));
	}
	assert_int_equal(table->n, MEMBERS);
}

static void assert_all_there(struct table *table)
{
	for (int i = 0; i < MEMBERS; i++)
		assert_ptr_equal(find(table, members[i].name), &members[i].link);
	assert_null(find(table, "p-10000.example.org"));
	assert_null(find(table, ""));
}

static void finds_what_was_added(void **state)
{
	struct table table;

	(void)state;
	fill(&table);
	assert_all_there(&table);
	table_clear(&table);
}

static void an_empty_one_has_nothing(void **state)
{
	struct table table;

	(void)state;
	table_init(&table);
	assert_null(find(&table, "p-1.example.org"));
	assert_null(table_first(&table));
	table_clear(&table);
}

static void has_short_chains(void **state)
{
	struct table table;
	size_t longest = 0;

	(void)state;
	fill(&table);
	for (size_t i = 0; i < table.n_buckets; i++) {
		size_t length = 0;

		for (struct table_link *link = table.buckets[i]; link; link = link->next)
			length++;
		longest = length > longest ? length : longest;
	}
	/* 10,000 balls in 16,384 bins: 12 in one is less likely than 1 in 10^8. */
	assert_in_range(longest, 1, 12);
	table_clear(&table);
}

static void adding_does_not_fail_without_memory(void **state)
{
	struct table table;

	(void)state;
	no_memory = true;
	fill(&table);
	no_memory = false;
	assert_int_equal(table.n_buckets, TABLE_FIRST_BUCKETS);
	assert_all_there(&table);
	table_clear(&table);
}

static void removes_one_and_no_other(void **state)
{
	struct table table;

	(void)state;
	fill(&table);
	for (int i = 0; i < MEMBERS; i += 2)
		table_remove(&table, &members[i].link);
	assert_int_equal(table.n, MEMBERS / 2);
	for (int i = 0; i < MEMBERS; i++)
		assert_ptr_equal(find(&table, members[i].name), i % 2 ? &members[i].link : NULL);
	table_clear(&table);
}

static void visits_each_once_and_lets_it_go(void **state)
{
	struct table table;
	struct table_link *link, *next;
	unsigned visited = 0;

	(void)state;
	fill(&table);
	TABLE_FOREACH(link, next, &table) {
		table_remove(&table, link);
		visited++;
	}
	assert_int_equal(visited, MEMBERS);
	assert_int_equal(table.n, 0);
	assert_null(table_first(&table));
	table_clear(&table);
}

static void tables_hash_differently(void **state)
{
	struct table a, b;

	(void)state;
	table_init(&a);
	table_init(&b);
	assert_true(table_hash_string(&a, "a.org") != table_hash_string(&b, "a.org"));
	assert_true(table_hash_string(&a, "a.org") == table_hash(&a, "a.org", 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_added),
		cmocka_unit_test(an_empty_one_has_nothing),
		cmocka_unit_test(has_short_chains),
		cmocka_unit_test(adding_does_not_fail_without_memory),
		cmocka_unit_test(removes_one_and_no_other),
		cmocka_unit_test(visits_each_once_and_lets_it_go),
		cmocka_unit_test(tables_hash_differently),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
