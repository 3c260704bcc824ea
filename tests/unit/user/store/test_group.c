// SPDX-License-Identifier: BSD-2-Clause
#include "user/store/group.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdint.h>
#include <stdio.h>

static struct announcement *const items[] = {(struct announcement *)1, (struct announcement *)2,
					     (struct announcement *)3};

static void members_are_found_by_name_in_order(void **state)
{
	struct group_member a, b, c;
	struct table groups;

	(void)state;
	table_init(&groups);
	assert_null(group_find(&groups, "x"));
	assert_int_equal(group_join(&groups, "x", items[0], &a), 0);
	assert_int_equal(group_join(&groups, "y", items[1], &b), 0);
	assert_int_equal(group_join(&groups, "x", items[2], &c), 0);
	struct group *x = group_find(&groups, "x");
	assert_ptr_equal(a.group, x);
	assert_ptr_equal(c.group, x);
	assert_ptr_not_equal(b.group, x);
	/* They have joined, but are not in. */
	assert_true(TAILQ_EMPTY(&x->members));
	group_enter(&c);
	group_enter(&a);
	assert_ptr_equal(TAILQ_FIRST(&x->members)->item, items[2]);
	assert_ptr_equal(TAILQ_NEXT(&c, entry)->item, items[0]);
	group_exit(&c);
	assert_ptr_equal(TAILQ_FIRST(&x->members)->item, items[0]);
	group_exit(&a);
	group_leave(&groups, &a);
	group_leave(&groups, &b);
	assert_null(group_find(&groups, "y"));
	assert_ptr_equal(group_find(&groups, "x"), x);
	group_leave(&groups, &c);
	assert_null(group_find(&groups, "x"));
	assert_int_equal(groups.n, 0);
	table_clear(&groups);
}

static void who_has_not_joined_may_leave(void **state)
{
	struct group_member none = {0};
	struct table groups;

	(void)state;
	table_init(&groups);
	group_leave(&groups, &none);
	assert_int_equal(groups.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_found_by_name_in_order),
		cmocka_unit_test(who_has_not_joined_may_leave),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
