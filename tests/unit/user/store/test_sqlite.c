// SPDX-License-Identifier: BSD-2-Clause
#include "user/store/sqlite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/passage-sqlite-XXXXXX";
static char file[128];

static int make_folder(void **state)
{
	(void)state;
	strcpy(strrchr(folder, '-'), "-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof(file), "%s/a/b/state.db", folder);
	return 0;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static struct store *open_store(void)
{
	struct store *store = NULL;
	char *error = NULL;

	int r = sqlite_open(file, ROLE_PUBLIC, &store, &error);
	if (r < 0)
		fail_msg("%d %s", r, error);
	assert_null(error);
	return store;
}

static void assert_fails(const char *name, enum proxy_role role, int r, const char *text)
{
	struct store *store = NULL;
	char *error = NULL;

	assert_int_equal(sqlite_open(name, role, &store, &error), r);
	assert_null(store);
	assert_non_null(error);
	if (!strstr(error, text) || !strstr(error, name))
		fail_msg("%s", error);
	free(error);
}

static int append(const struct stored *record, void *arg)
{
	char *text = arg;

	sprintf(text + strlen(text), "%s %s %s %lld\n", record->domain, record->proxy,
		record->owner, (long long)record->expires_at);
	return 0;
}

static void assert_content(struct store *store, const char *expected)
{
	char text[1000] = "";

	assert_int_equal(store_load(store, append, text), 0);
	assert_string_equal(text, expected);
}

static const struct stored_change changes[] = {
	{.record = {"a.org", "p", "x", 0}},
	{.record = {"b.org", "p", "y", 1795340131000}},
	{.record = {"b.org", "q", "y", 0}},
	{.record = {"a.org", "p", "z", 5}},
	{.record = {"b.org", "q", "", 0}, .remove = true},
	{.record = {"none.org", "q", "", 0}, .remove = true},
};

static void keeps_what_is_written(void **state)
{
	struct store *store = open_store();

	(void)state;
	assert_content(store, "");
	assert_int_equal(store_write(store, changes, 6), 0);
	assert_int_equal(store_write(store, NULL, 0), 0);
	store_close(store);
	store = open_store();
	assert_content(store, "a.org p z 5\nb.org p y 1795340131000\n");
	store_close(store);
	store_close(NULL);
}

static int stop_at_once(const struct stored *record, void *arg)
{
	(void)record;
	(void)arg;
	return 7;
}

static void loading_can_be_stopped(void **state)
{
	struct store *store = open_store();

	(void)state;
	assert_int_equal(store_write(store, changes, 2), 0);
	assert_int_equal(store_load(store, stop_at_once, NULL), 7);
	store_close(store);
}

/* The process is killed right after the write was acknowledged. */
static void survives_sigkill(void **state)
{
	int status;

	(void)state;
	pid_t child = fork();
	if (child == 0) {
		struct store *store = NULL;
		char *error = NULL;
		if (sqlite_open(file, ROLE_PUBLIC, &store, &error) < 0 ||
		    store_write(store, changes, 2) < 0)
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	struct store *store = open_store();
	assert_content(store, "a.org p x 0\nb.org p y 1795340131000\n");
	store_close(store);
}

static void one_process_at_a_time(void **state)
{
	struct store *store = open_store();
	int status;

	(void)state;
	pid_t child = fork();
	if (child == 0) {
		struct store *second = NULL;
		char *error = NULL;
		int r = sqlite_open(file, ROLE_PUBLIC, &second, &error);
		_exit(r == -EBUSY && strstr(error, "another process") ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	store_close(store);
}

static void a_role_keeps_to_its_own_file(void **state)
{
	(void)state;
	store_close(open_store());
	assert_fails(file, ROLE_PRIVATE, -EMEDIUMTYPE, "a file of its own");
}

static void run(const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void a_newer_file_is_left_alone(void **state)
{
	(void)state;
	store_close(open_store());
	run("PRAGMA user_version=99");
	assert_fails(file, ROLE_PUBLIC, -EMEDIUMTYPE, "newer version");
}

static void scribble(off_t at, const char *text, size_t n)
{
	int fd = open(file, O_RDWR);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, text, n, at), (ssize_t)n);
	close(fd);
}

static void a_damaged_file_is_an_error(void **state)
{
	struct store *store = open_store();
	char junk[4096];

	(void)state;
	assert_int_equal(store_write(store, changes, 4), 0);
	store_close(store);
	memset(junk, 0x5a, sizeof(junk));
	scribble(4096, junk, sizeof(junk));
	assert_fails(file, ROLE_PUBLIC, -EUCLEAN, "move it away");
	scribble(0, "this is a text", 14);
	assert_fails(file, ROLE_PUBLIC, -EUCLEAN, "move it away");
}

static void a_path_that_cannot_be_is_an_error(void **state)
{
	struct store *store = NULL;
	char *error = NULL, below[160];

	(void)state;
	store_close(open_store());
	snprintf(below, sizeof(below), "%s/below", file);
	assert_int_equal(sqlite_open(below, ROLE_PUBLIC, &store, &error), -ENOTDIR);
	assert_non_null(strstr(error, below));
	free(error);
}

static void a_failed_write_changes_nothing(void **state)
{
	struct store *store = open_store();

	(void)state;
	assert_int_equal(store_write(store, changes, 1), 0);
	const struct stored_change bad[] = {
		{.record = {"c.org", "p", "x", 0}},
		{.record = {NULL, "p", "x", 0}},
	};
	assert_true(store_write(store, bad, 2) < 0);
	assert_true(strlen(store_reason(store)) > 0);
	assert_content(store, "a.org p x 0\n");
	assert_int_equal(store_write(store, changes + 1, 1), 0);
	store_close(store);
}

static void imports_once(void **state)
{
	struct store *store = open_store();

	(void)state;
	assert_int_equal(sqlite_import_begin(store, "log"), 0);
	assert_int_equal(sqlite_import_record(&changes[0].record, store), 0);
	assert_int_equal(sqlite_import_end(store, "log", false), 0);
	assert_content(store, "");
	assert_int_equal(sqlite_import_begin(store, "log"), 0);
	assert_int_equal(sqlite_import_record(&changes[0].record, store), 0);
	assert_int_equal(sqlite_import_record(&changes[3].record, store), 0);
	assert_int_equal(sqlite_import_end(store, "log", true), 0);
	assert_int_equal(sqlite_import_begin(store, "log"), -EEXIST);
	assert_int_equal(sqlite_import_begin(store, "other"), 0);
	assert_int_equal(sqlite_import_end(store, "other", false), 0);
	assert_content(store, "a.org p z 5\n");
	store_close(store);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(keeps_what_is_written),
		TEST(loading_can_be_stopped),
		TEST(survives_sigkill),
		TEST(one_process_at_a_time),
		TEST(a_role_keeps_to_its_own_file),
		TEST(a_newer_file_is_left_alone),
		TEST(a_damaged_file_is_an_error),
		TEST(a_path_that_cannot_be_is_an_error),
		TEST(a_failed_write_changes_nothing),
		TEST(imports_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
