// SPDX-License-Identifier: BSD-2-Clause
/* The announcements, with each kind of store behind them. */
#include "tests/unit/user/store/memory_store.h"
#include "user/store/announcements.h"
#include "user/store/sqlite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW 1000

static char folder[] = "/tmp/passage-announcements-XXXXXX";
static char file[128];
static const struct announcements_limits limits = {.total = 4, .per_owner = 2};

static int make_folder(void **state)
{
	(void)state;
	strcpy(strrchr(folder, '-'), "-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof(file), "%s/state.db", folder);
	memory_store_forget();
	return 0;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

/* A trigger stands in for a full disk. */
static void sqlite_refuse(void)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				      "CREATE TRIGGER full BEFORE INSERT ON announcements"
				      " WHEN NEW.domain = 'c.org'"
				      " BEGIN SELECT RAISE(ABORT, 'no room'); END",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
}

static void memory_refuse(void)
{
	memory_refused = "c.org";
}

static const struct kind {
	const struct store_ops *ops;
	void (*refuse)(void); /* "c.org" can be stored no more, as there is "no room" */
} kinds[] = {
	{&sqlite_store_ops, sqlite_refuse},
	{&memory_store_ops, memory_refuse},
};
static const struct kind *kind; /* that is tested now */

static struct announcements *open_all(int64_t now)
{
	struct announcements *all = NULL;
	struct store *store = NULL;
	char *error = NULL;
	json_t *settings = json_pack("{s:s}", "filename", file);

	assert_int_equal(kind->ops->open(settings, ROLE_PRIVATE, &store, &error), 0);
	json_decref(settings);
	assert_int_equal(announcements_new(store, &limits, now, &all), 0);
	return all;
}

static void assert_list(const struct announcements *all, const char *expected)
{
	const struct announcement *item;
	char text[1000] = "";

	TAILQ_FOREACH(item, announcements_list(all), entry) {
		sprintf(text + strlen(text), "%s %s %s %lld;", item->domain, item->proxy,
			item->owner, (long long)item->expires_at);
		assert_ptr_equal(announcements_find(all, item->domain, item->proxy), item);
	}
	assert_string_equal(text, expected);
}

static int put(struct announcements *all, const char *domain, const char *owner, int64_t expires_at)
{
	const struct stored record = {domain, "p", owner, expires_at};

	return announcements_put(all, &record);
}

static void keeps_what_is_committed(void **state)
{
	struct announcements *all = open_all(NOW);

	(void)state;
	assert_int_equal(announcements_commit(all), 0);
	assert_int_equal(put(all, "a.org", "x", 0), 1);
	assert_int_equal(put(all, "b.org", "x", 5000), 1);
	assert_int_equal(put(all, "b.org", "x", 5000), 0);
	assert_int_equal(announcements_commit(all), 1);
	assert_int_equal(put(all, "a.org", "x", 0), 0);
	assert_int_equal(announcements_commit(all), 0);
	assert_int_equal(put(all, "c.org", "y", 0), 1); /* not committed */
	announcements_free(all);

	all = open_all(NOW);
	assert_list(all, "a.org p x 0;b.org p x 5000;");
	assert_int_equal(announcements_count(all), 2);
	assert_int_equal(announcements_of_owner(all, "x"), 2);
	announcements_free(all);

	all = open_all(5000);
	assert_list(all, "a.org p x 0;");
	announcements_free(all);
	announcements_free(NULL);
}

static void rolls_back_in_order(void **state)
{
	struct announcements *all = open_all(NOW);

	(void)state;
	put(all, "a.org", "x", 0);
	put(all, "b.org", "y", 7000);
	assert_int_equal(announcements_commit(all), 1);
	/* Several changes of one record in one transaction. */
	assert_int_equal(put(all, "a.org", "x", 2000), 1);
	assert_int_equal(put(all, "a.org", "y", 3000), 1);
	assert_int_equal(announcements_remove(all, "b.org", "p"), 0);
	assert_int_equal(put(all, "b.org", "z", 1), 1);
	assert_int_equal(announcements_remove(all, "c.org", "p"), -ENOENT);
	announcements_rollback(all);
	const struct announcement *a = announcements_find(all, "a.org", "p");
	assert_int_equal(a->expires_at, 0);
	assert_string_equal(announcements_find(all, "b.org", "p")->owner, "y");
	assert_int_equal(announcements_count(all), 2);
	assert_int_equal(announcements_of_owner(all, "x"), 1);
	assert_int_equal(announcements_of_owner(all, "y"), 1);
	assert_int_equal(announcements_of_owner(all, "z"), 0);

	put(all, "a.org", "x", 2000);
	put(all, "a.org", "x", 3000);
	announcements_remove(all, "b.org", "p");
	assert_int_equal(announcements_commit(all), 1);
	announcements_free(all);
	all = open_all(NOW);
	assert_list(all, "a.org p x 3000;");
	announcements_free(all);
}

static void a_failed_write_is_undone(void **state)
{
	struct announcements *all = open_all(NOW);

	(void)state;
	put(all, "a.org", "x", 0);
	assert_int_equal(announcements_commit(all), 1);
	announcements_free(all);
	kind->refuse();

	all = open_all(NOW);
	put(all, "b.org", "x", 0);
	announcements_remove(all, "a.org", "p");
	put(all, "c.org", "y", 0);
	assert_true(announcements_commit(all) < 0);
	assert_string_equal(announcements_reason(all), "no room");
	assert_list(all, "a.org p x 0;");
	assert_int_equal(put(all, "b.org", "x", 0), 1);
	assert_int_equal(announcements_commit(all), 1);
	announcements_free(all);
	all = open_all(NOW);
	assert_list(all, "a.org p x 0;b.org p x 0;");
	announcements_free(all);
}

static void limits_hold(void **state)
{
	struct announcements *all = open_all(NOW);

	(void)state;
	assert_int_equal(put(all, "a.org", "x", 0), 1);
	assert_int_equal(put(all, "b.org", "x", 0), 1);
	assert_int_equal(put(all, "c.org", "x", 0), -EDQUOT);
	assert_int_equal(put(all, "b.org", "x", 5), 1); /* a change is none more */
	assert_int_equal(put(all, "c.org", "y", 0), 1);
	assert_int_equal(put(all, "d.org", "y", 0), 1);
	assert_int_equal(put(all, "e.org", "z", 0), -ENOSPC);
	assert_int_equal(put(all, "d.org", "z", 0), 1); /* takes it over */
	assert_int_equal(put(all, "d.org", "x", 0), -EDQUOT);
	assert_int_equal(announcements_count(all), 4);
	announcements_free(all);
}

static void what_has_expired_goes(void **state)
{
	struct announcements *all = open_all(NOW);

	(void)state;
	put(all, "a.org", "x", 2000);
	put(all, "b.org", "y", 3000);
	put(all, "c.org", "z", 0);
	assert_int_equal(announcements_commit(all), 1);
	assert_int_equal(announcements_expire(all, 1999), 0);
	assert_int_equal(announcements_commit(all), 0);
	assert_int_equal(announcements_expire(all, 2000), 1);
	assert_int_equal(announcements_commit(all), 1);
	assert_list(all, "b.org p y 3000;c.org p z 0;");
	announcements_free(all);
	all = open_all(NOW);
	assert_list(all, "b.org p y 3000;c.org p z 0;");
	announcements_free(all);
}

static void those_of_the_settings_are_not_stored(void **state)
{
	const struct stored fixed = {"a.org", "p", "me", 2000};
	struct announcements *all = open_all(NOW);

	(void)state;
	put(all, "a.org", "x", 0);
	put(all, "b.org", "x", 0);
	assert_int_equal(announcements_commit(all), 1);
	assert_int_equal(announcements_add_fixed(all, &fixed, "inside:1"), 0);
	const struct announcement *item = announcements_find(all, "a.org", "p");
	assert_true(item->fixed);
	assert_string_equal(item->internal_address, "inside:1");
	assert_int_equal(announcements_count(all), 1);
	assert_list(all, "b.org p x 0;a.org p me 2000;");
	assert_int_equal(announcements_expire(all, 2000), 1);
	assert_int_equal(announcements_commit(all), 1);
	assert_list(all, "b.org p x 0;");
	announcements_free(all);
	all = open_all(NOW);
	assert_list(all, "a.org p x 0;b.org p x 0;");
	announcements_free(all);
}

static void can_do_without_a_store(void **state)
{
	struct announcements *all = NULL;

	(void)state;
	assert_int_equal(announcements_new(NULL, &limits, NOW, &all), 0);
	assert_int_equal(put(all, "a.org", "x", 0), 1);
	assert_int_equal(announcements_commit(all), 1);
	assert_list(all, "a.org p x 0;");
	announcements_free(all);
}

static void assert_members(const struct group_members *members, const char *expected)
{
	const struct group_member *member;
	char text[1000] = "";

	TAILQ_FOREACH(member, members, entry) {
		sprintf(text + strlen(text), "%s %s %s;", member->item->domain, member->item->proxy,
			member->item->owner);
	}
	assert_string_equal(text, expected);
}

static void are_found_by_proxy_and_by_owner(void **state)
{
	const struct stored list[] = {
		{"a.org", "p", "x", 0}, {"a.org", "q", "x", 2000}, {"b.org", "p", "y", 2000}};
	struct announcements *all = open_all(NOW);

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(announcements_put(all, &list[i]), 1);
	assert_int_equal(announcements_commit(all), 1);
	assert_members(announcements_at_proxy(all, "p"), "a.org p x;b.org p y;");
	assert_members(announcements_at_proxy(all, "q"), "a.org q x;");
	assert_members(announcements_at_proxy(all, "r"), "");
	assert_members(announcements_by_owner(all, "x"), "a.org p x;a.org q x;");
	assert_true(announcements_owner_has_any(all, "y", NOW));
	assert_false(announcements_owner_has_any(all, "y", 2000));
	assert_true(announcements_owner_has_any(all, "x", 2000));
	assert_false(announcements_owner_has_any(all, "z", NOW));

	/* What is undone is there again, what was replaced is not. */
	assert_int_equal(announcements_remove(all, "b.org", "p"), 0);
	assert_int_equal(put(all, "a.org", "y", 0), 1);
	assert_members(announcements_at_proxy(all, "p"), "a.org p y;");
	assert_members(announcements_by_owner(all, "y"), "a.org p y;");
	announcements_rollback(all);
	assert_members(announcements_at_proxy(all, "p"), "a.org p x;b.org p y;");
	assert_members(announcements_by_owner(all, "y"), "b.org p y;");
	assert_int_equal(announcements_of_owner(all, "y"), 1);
	announcements_free(all);
}

static void many_names_stay_quick(void **state)
{
	const struct announcements_limits many = {.total = 200000, .per_owner = 200000};
	struct announcements *all = NULL;
	char name[32];

	(void)state;
	assert_int_equal(announcements_new(NULL, &many, NOW, &all), 0);
	for (unsigned i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "n%06u.org", i);
		assert_int_equal(put(all, name, "x", 0), 1);
	}
	assert_int_equal(announcements_commit(all), 1);
	assert_int_equal(announcements_of_owner(all, "x"), 100000);
	assert_non_null(announcements_find(all, "n054321.org", "p"));
	assert_null(announcements_find(all, "n054321.org", "q"));
	announcements_free(all);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(keeps_what_is_committed),         TEST(rolls_back_in_order),
		TEST(a_failed_write_is_undone),        TEST(limits_hold),
		TEST(what_has_expired_goes),           TEST(those_of_the_settings_are_not_stored),
		TEST(can_do_without_a_store),          TEST(many_names_stay_quick),
		TEST(are_found_by_proxy_and_by_owner),
	};
	int failed = 0;

	for (kind = kinds; kind < kinds + sizeof(kinds) / sizeof(kinds[0]); kind++)
		failed += cmocka_run_group_tests_name(kind->ops->type, tests, NULL, NULL);
	return failed;
}
