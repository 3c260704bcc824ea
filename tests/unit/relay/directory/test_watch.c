// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/cleanup.h"
#include "relay/directory/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

static struct event_base *base;
static unsigned changes;

static void on_changed(void *arg)
{
	(void)arg;
	changes++;
	(void)event_base_loopbreak(base);
}

/* Until a change is told, or the time is over. */
static unsigned wait_for_change(unsigned ms)
{
	struct timeval tv = {ms / 1000, (ms % 1000) * 1000};

	changes = 0;
	(void)event_base_loopexit(base, &tv);
	(void)event_base_dispatch(base);
	return changes;
}

static void put(const char *folder, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs("{}", file);
	fclose(file);
}

static void test_folder(void **state)
{
	char folder[] = "/tmp/passage-test-XXXXXX", away[64];
	struct directory_watch *watch = NULL;

	(void)state;
	assert_non_null(mkdtemp(folder));
	base = event_base_new();
	assert_int_equal(directory_watch_new(base, folder, on_changed, NULL, &watch), 0);
	put(folder, "a.json");
	put(folder, "b.json");
	assert_int_equal(wait_for_change(5000), 1);
	directory_watch_free(watch);
	event_base_free(base);

	/* The folder goes and comes back. */
	base = event_base_new();
	assert_int_equal(directory_watch_new(base, folder, on_changed, NULL, &watch), 0);
	snprintf(away, sizeof(away), "%s.away", folder);
	assert_int_equal(rename(folder, away), 0);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(wait_for_change(5000), 1);
	directory_watch_free(watch);
	event_base_free(base);
	char command[160];
	snprintf(command, sizeof(command), "rm -rf %s %s", folder, away);
	assert_int_equal(system(command), 0);
}

static void test_file(void **state)
{
	char folder[] = "/tmp/passage-test-XXXXXX", path[64], command[96];
	struct directory_watch *watch = NULL;

	(void)state;
	assert_non_null(mkdtemp(folder));
	put(folder, "directory.json");
	snprintf(path, sizeof(path), "%s/directory.json", folder);
	base = event_base_new();
	assert_int_equal(directory_watch_new(base, path, on_changed, NULL, &watch), 0);
	put(folder, "other.json");
	assert_int_equal(wait_for_change(600), 0);
	directory_watch_free(watch);
	event_base_free(base);

	base = event_base_new();
	assert_int_equal(directory_watch_new(base, path, on_changed, NULL, &watch), 0);
	char other[64];
	snprintf(other, sizeof(other), "%s/other.json", folder);
	assert_int_equal(rename(other, path), 0);
	assert_int_equal(wait_for_change(5000), 1);
	directory_watch_free(watch);
	event_base_free(base);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folder),
		cmocka_unit_test(test_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
