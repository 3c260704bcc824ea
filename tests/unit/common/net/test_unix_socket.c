// SPDX-License-Identifier: BSD-2-Clause
#include "common/net/unix_socket.h"

#include "common/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static char folder[] = "/tmp/passage-unix-XXXXXX";
static char path[64];

static int try(int *ret)
{
	const struct unix_socket unix_socket = {path, 0660, getuid(), getgid()};

	return unix_socket_listen(&unix_socket, 5, ret);
}

static void test_mode_and_flags(void **state)
{
	AUTO_CLOSE int fd = -1;
	struct stat st;

	(void)state;
	assert_int_equal(try(&fd), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(st.st_uid, getuid());
	assert_int_equal(st.st_gid, getgid());
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	unlink(path);
}

/* One that listens stays; what a dead process has left is replaced. */
static void test_stale(void **state)
{
	int first = -1, second = -1;

	(void)state;
	assert_int_equal(try(&first), 0);
	assert_int_equal(try(&second), -EADDRINUSE);
	assert_int_equal(second, -1);
	close(first);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(try(&second), 0);
	close(second);
	unlink(path);
}

/* What is no socket belongs to somebody. */
static void test_other_file(void **state)
{
	AUTO_CLOSE int file = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
	int fd = -1;

	(void)state;
	assert_true(file >= 0);
	assert_int_equal(try(&fd), -EADDRINUSE);
	assert_int_equal(access(path, F_OK), 0);
	unlink(path);
}

static void test_bad_paths(void **state)
{
	struct unix_socket unix_socket = {"/nowhere/at/all", 0600, getuid(), getgid()};
	char longest[200];
	int fd = -1;

	(void)state;
	assert_int_equal(unix_socket_listen(&unix_socket, 5, &fd), -ENOENT);
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	unix_socket.path = longest;
	assert_int_equal(unix_socket_listen(&unix_socket, 5, &fd), -ENAMETOOLONG);
	assert_int_equal(fd, -1);
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/socket", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mode_and_flags),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_other_file),
		cmocka_unit_test(test_bad_paths),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
