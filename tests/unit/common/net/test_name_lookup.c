// SPDX-License-Identifier: BSD-2-Clause
#include "common/net/name_lookup.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>

struct outcome {
	int calls, n;
	struct addr first;
};

static struct event_base *base;

static void on_done(int n, const struct addr *addrs, void *arg)
{
	struct outcome *outcome = arg;

	outcome->calls++;
	outcome->n = n;
	if (n > 0)
		outcome->first = addrs[0];
}

static void look_up(const char *text, struct outcome *outcome)
{
	struct name_lookup *lookup;

	assert_int_equal(name_lookup_start(base, text, on_done, outcome, &lookup), 0);
	assert_int_equal(outcome->calls, 0); /* never from inside */
	for (int i = 0; i < 1000 && outcome->calls == 0; i++) {
		const struct timeval slice = {0, 10000};
		event_base_loopexit(base, &slice);
		event_base_loop(base, EVLOOP_ONCE);
	}
	assert_int_equal(outcome->calls, 1);
}

static void test_without_dns(void **state)
{
	struct outcome numeric = {0}, local = {0};
	char text[ADDR_TEXT_MAX];

	(void)state;
	look_up("[::1]:443", &numeric);
	assert_int_equal(numeric.n, 1);
	addr_format(&numeric.first, text);
	assert_string_equal(text, "[::1]:443");
	look_up("localhost:5556", &local);
	assert_int_equal(local.n, 2);
	addr_format(&local.first, text);
	assert_string_equal(text, "127.0.0.1:5556");
}

/* A name of this machine other than "localhost", which no resolver is asked for. */
static bool find_local_name(char ret[256])
{
	FILE *hosts = fopen("/etc/hosts", "r");
	char line[512], address[64];
	bool found = false;

	while (hosts && !found && fgets(line, sizeof(line), hosts))
		found = sscanf(line, "%63s %255s", address, ret) == 2 && address[0] != '#' &&
			strcmp(ret, "localhost") != 0;
	if (hosts)
		fclose(hosts);
	return found;
}

/* The file is read, no server is asked. */
static void test_hosts_file(void **state)
{
	struct outcome outcome = {0};
	char name[256], text[264];

	(void)state;
	if (!find_local_name(name))
		skip();
	snprintf(text, sizeof(text), "%s:80", name);
	look_up(text, &outcome);
	assert_true(outcome.n >= 1);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* In a view of the file system that is this process's own. */
static void replace_file(const char *path, const char *text)
{
	char name[] = "/tmp/name-lookup-XXXXXX";
	int fd = mkstemp(name);

	assert_true(fd >= 0);
	close(fd);
	write_file(name, text);
	assert_int_equal(mount(name, path, NULL, MS_BIND, NULL), 0);
	unlink(name);
}

/* Without a name server there is /etc/hosts, as it is now and not as it was. */
static void test_files_are_read_again(void **state)
{
	struct outcome before = {0}, after = {0};
	char text[ADDR_TEXT_MAX];

	(void)state;
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	replace_file("/etc/resolv.conf", "# none\n");
	replace_file("/etc/hosts", "127.0.0.4 relay.example\n");
	look_up("relay.example:80", &before);
	assert_int_equal(before.n, 1);
	write_file("/etc/hosts", "127.0.0.5 relay.example\n");
	look_up("relay.example:80", &after);
	assert_int_equal(after.n, 1);
	addr_format(&after.first, text);
	assert_string_equal(text, "127.0.0.5:80");
}

static void test_malformed(void **state)
{
	struct name_lookup *lookup = NULL;
	struct outcome outcome = {0};

	(void)state;
	assert_int_equal(name_lookup_start(base, "", on_done, &outcome, &lookup), -EINVAL);
	assert_int_equal(name_lookup_start(base, "host", on_done, &outcome, &lookup), -EINVAL);
	assert_int_equal(name_lookup_start(base, "host:99999", on_done, &outcome, &lookup),
			 -EINVAL);
	assert_null(lookup);
}

static void test_cancel(void **state)
{
	struct name_lookup *lookup;
	struct outcome outcome = {0};
	const struct timeval slice = {0, 20000};

	(void)state;
	assert_int_equal(name_lookup_start(base, "127.0.0.1:1", on_done, &outcome, &lookup), 0);
	name_lookup_cancel(lookup);
	event_base_loopexit(base, &slice);
	event_base_dispatch(base);
	assert_int_equal(outcome.calls, 0);
	name_lookup_cancel(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_dns),
		cmocka_unit_test(test_hosts_file),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_files_are_read_again),
	};

	base = event_base_new();
	int r = cmocka_run_group_tests(tests, NULL, NULL);
	event_base_free(base);
	return r;
}
