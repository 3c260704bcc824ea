// SPDX-License-Identifier: BSD-2-Clause
/* What `proxy check` and the start say of the settings, and with which status. */
#include "user/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char file[] = "/tmp/passage-check-XXXXXX";
static int said[2]; /* a pipe in the place of standard output and error */
static int saved[2];

#define PUBLIC                                                                   \
	"public:\n"                                                              \
	"  name: pub\n"                                                          \
	"  datastore: {type: sqlite, settings: {filename: /nowhere/state.db}}\n" \
	"  jsonrpc_client: {endpoint: \"http://127.0.0.1:1/jsonrpc\"}\n"         \
	"  jsonrpc_server: {bind_address: \"127.0.0.1:2\"}\n"

static int start(void **state)
{
	(void)state;
	strcpy(strrchr(file, '-'), "-XXXXXX");
	int fd = mkstemp(file);
	if (fd < 0)
		return -1;
	close(fd);
	return setenv("PROXY_SETTINGS", file, 1);
}

static int end(void **state)
{
	(void)state;
	return unlink(file);
}

static void settings(const char *text)
{
	FILE *to = fopen(file, "we");

	assert_non_null(to);
	fputs(text, to);
	assert_int_equal(fclose(to), 0);
}

static void listen_to(void)
{
	assert_int_equal(pipe(said), 0);
	for (int i = 0; i < 2; i++) {
		saved[i] = dup(STDOUT_FILENO + i);
		dup2(said[1], STDOUT_FILENO + i);
	}
	close(said[1]);
}

static const char *heard(void)
{
	static char text[4096];
	size_t n = 0;

	fflush(stdout);
	for (int i = 0; i < 2; i++) {
		dup2(saved[i], STDOUT_FILENO + i);
		close(saved[i]);
	}
	for (ssize_t r; (r = read(said[0], text + n, sizeof(text) - 1 - n)) > 0;)
		n += (size_t)r;
	close(said[0]);
	text[n] = '\0';
	return text;
}

static void good_settings_are_fine(void **state)
{
	json_t *loaded = NULL;

	(void)state;
	settings(PUBLIC);
	listen_to();
	int status = check_command();
	assert_string_equal(heard(), "settings are fine\n");
	assert_int_equal(status, EXIT_SUCCESS);
	assert_int_equal(check_load(&loaded), 0);
	assert_non_null(json_object_get(loaded, "public"));
	json_decref(loaded);
}

static void each_error_is_told_with_its_place(void **state)
{
	(void)state;
	settings(PUBLIC "  accept_timeot: 3s\nlimits: {pending: 0}\n");
	listen_to();
	int status = check_command();
	const char *text = heard();
	assert_int_equal(status, EXIT_SETTINGS);
	assert_non_null(strstr(text, "accept_timeot"));
	assert_non_null(strstr(text, "accept_timeout"));
	assert_non_null(strstr(text, "pending"));
	assert_int_equal(strncmp(text, "error: ", 7), 0);
}

static void some_role_is_needed(void **state)
{
	json_t *loaded = NULL;

	(void)state;
	settings("workers: 1\n");
	listen_to();
	int r = check_load(&loaded);
	const char *text = heard();
	assert_int_equal(r, -EINVAL);
	assert_null(loaded);
	assert_non_null(strstr(text, "neither a section \"public\" nor \"private\""));
	assert_non_null(strstr(text, file));
}

static void the_role_that_is_run_is_needed(void **state)
{
	json_t *loaded = NULL;

	(void)state;
	settings(PUBLIC);
	assert_int_equal(check_load(&loaded), 0);
	assert_int_equal(check_role(loaded, "public"), 0);
	listen_to();
	int r = check_role(loaded, "private");
	assert_non_null(strstr(heard(), "no section \"private\""));
	assert_int_equal(r, -EINVAL);
	json_decref(loaded);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(good_settings_are_fine),
		TEST(each_error_is_told_with_its_place),
		TEST(some_role_is_needed),
		TEST(the_role_that_is_run_is_needed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
