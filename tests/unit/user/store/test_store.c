// SPDX-License-Identifier: BSD-2-Clause
#include "user/store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/passage-store-XXXXXX";
static char file[128];

static int make_folder(void **state)
{
	(void)state;
	strcpy(strrchr(folder, '-'), "-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof(file), "%s/announcements.db", folder);
	return 0;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static int open_type(const char *type, struct store **ret, char **ret_error)
{
	json_t *settings = json_pack("{s:s, s:{s:s}}", "type", type, "settings", "filename", file);

	int r = store_open(settings, ROLE_PUBLIC, ret, ret_error);
	json_decref(settings);
	return r;
}

static int append(const struct stored *record, void *arg)
{
	char *text = arg;

	sprintf(text + strlen(text), "%s %s\n", record->domain, record->owner);
	return 0;
}

static void assert_content(const char *type, const char *expected)
{
	struct store *store = NULL;
	char text[1000] = "", *error = NULL;

	assert_int_equal(open_type(type, &store, &error), 0);
	assert_int_equal(store_load(store, append, text), 0);
	assert_string_equal(text, expected);
	store_close(store);
}

static void a_type_is_opened_by_its_name(void **state)
{
	char beside[140];

	(void)state;
	assert_content("file", "");
	snprintf(beside, sizeof(beside), "%s.sqlite", file);
	assert_int_equal(access(beside, F_OK), 0);
	assert_int_equal(access(file, F_OK), -1);
	store_close(NULL);
}

static void sqlite_is_used_as_it_is(void **state)
{
	(void)state;
	assert_content("sqlite", "");
	assert_int_equal(access(file, F_OK), 0);
}

static void other_types_are_errors(void **state)
{
	struct store *store = NULL;
	char *error = NULL;

	(void)state;
	assert_int_equal(open_type("redis", &store, &error), -ENOTSUP);
	assert_string_equal(error,
			    "datastore: type \"redis\" cannot be served: use sqlite or file");
	free(error);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_type_is_opened_by_its_name),
		TEST(sqlite_is_used_as_it_is),
		TEST(other_types_are_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
