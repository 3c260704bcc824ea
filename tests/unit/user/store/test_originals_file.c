// SPDX-License-Identifier: BSD-2-Clause
/* The originals' file, and that what is in it is read once. */
#include "user/store/originals_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/passage-originals-XXXXXX";
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

static int open_file(struct store **ret, char **ret_error)
{
	json_t *settings = json_pack("{s:s}", "filename", file);

	int r = originals_file_store_ops.open(settings, ROLE_PUBLIC, ret, ret_error);
	json_decref(settings);
	return r;
}

static int append(const struct stored *record, void *arg)
{
	char *text = arg;

	sprintf(text + strlen(text), "%s %s\n", record->domain, record->owner);
	return 0;
}

static void assert_content(const char *expected)
{
	struct store *store = NULL;
	char text[1000] = "", *error = NULL;

	assert_int_equal(open_file(&store, &error), 0);
	assert_int_equal(store_load(store, append, text), 0);
	assert_string_equal(text, expected);
	store_close(store);
}

/* One entry in one chunk, as an original has written it. */
static void write_log(const char *json, const char *tail, size_t tail_length)
{
	FILE *to = fopen(file, "we");
	size_t n = 20 + strlen(json);

	assert_non_null(to);
	fwrite("\1\1\0\0\0\20\0ABCDEFGHIJKLMNOP", 1, 23, to);
	fputc((int)(n & 0xff), to);
	fputc((int)(n >> 8), to);
	fwrite("\1\1\20\0abcdefghijklmnop", 1, 20, to);
	fputs(json, to);
	fwrite(tail, 1, tail_length, to);
	assert_int_equal(fclose(to), 0);
}

static void reads_an_originals_file_once(void **state)
{
	const struct stored_change gone = {.record = {"a.org", "", "", 0}, .remove = true};
	struct store *store = NULL;
	char *error = NULL;

	(void)state;
	write_log("{\"domain\":\"a.org\",\"operator\":\"x\"}", "\1\1\0", 3);
	assert_content("a.org x\n");
	assert_content("a.org x\n");
	assert_int_equal(open_file(&store, &error), 0);
	assert_int_equal(store_write(store, &gone, 1), 0);
	store_close(store);
	/* What was withdrawn does not come back. */
	assert_content("");
}

static void a_file_may_be_missing(void **state)
{
	(void)state;
	assert_content("");
	assert_int_equal(access(file, F_OK), -1);
}

static void a_bad_file_is_an_error_each_time(void **state)
{
	struct store *store = NULL;

	(void)state;
	write_log("{}", "", 0);
	for (unsigned i = 0; i < 2; i++) {
		char *error = NULL;
		assert_int_equal(open_file(&store, &error), -EBADMSG);
		assert_non_null(strstr(error, "at byte 0: an entry without domain"));
		assert_non_null(strstr(error, file));
		free(error);
	}
	write_log("{\"domain\":\"a.org\",\"operator\":\"x\"}", "", 0);
	assert_content("a.org x\n");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reads_an_originals_file_once),
		TEST(a_file_may_be_missing),
		TEST(a_bad_file_is_an_error_each_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
