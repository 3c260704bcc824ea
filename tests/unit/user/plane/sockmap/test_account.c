// SPDX-License-Identifier: BSD-2-Clause
/* What TCP tells of a connection on loopback, with no map anywhere. */
#include "common/base/cleanup.h"
#include "user/plane/sockmap/account.h"
#include "user/plane/sockmap/suitable.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static int near, far;

static int set_up(void **state)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	socklen_t length = sizeof(addr);
	AUTO_CLOSE int listener = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	far = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&addr, &length) < 0 ||
	    connect(far, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -1;
	near = accept(listener, NULL, NULL);
	return near < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(near);
	close(far);
	return 0;
}

static void say(const char *bytes, size_t n)
{
	struct pollfd readable = {.fd = near, .events = POLLIN};

	assert_int_equal(send(far, bytes, n, 0), n);
	assert_int_equal(poll(&readable, 1, 5000), 1);
}

static void test_received(void **state)
{
	struct pollfd readable = {.fd = near, .events = POLLRDHUP};
	struct account_in in;
	char byte;

	(void)state;
	say("hello", 5);
	assert_int_equal(account_received(near, &in), 0);
	assert_int_equal(in.received, 5);
	assert_int_equal(in.state, TCP_ESTABLISHED);
	assert_int_equal(account_complete(near, 0), 1);
	assert_int_equal(recv(near, &byte, 1, 0), 1);
	assert_int_equal(account_complete(near, 1), 1);
	assert_int_equal(account_complete(near, 0), 0);
	shutdown(far, SHUT_WR);
	assert_int_equal(poll(&readable, 1, 5000), 1);
	assert_int_equal(account_received(near, &in), 0);
	assert_int_equal(in.received, 6);
	assert_int_equal(in.state, TCP_CLOSE_WAIT);
	assert_int_equal(account_complete(near, 1), 1);
	assert_int_equal(account_complete(near, 2), 0);
}

static void test_taken(void **state)
{
	uint64_t base, taken;
	char got[16];

	(void)state;
	assert_int_equal(account_taken_exactly(far, &base), 0);
	say("hello", 5);
	assert_int_equal(account_taken_exactly(far, &taken), 0);
	assert_int_equal(taken - base, 5);
	assert_int_equal(recv(near, got, sizeof(got), 0), 5);
	assert_int_equal(account_taken(far, &taken), 0);
	assert_true(taken - base <= 5);
}

static void test_not_a_connection(void **state)
{
	AUTO_CLOSE int udp = socket(AF_INET, SOCK_DGRAM, 0);
	struct account_in in;
	uint64_t taken;

	(void)state;
	assert_true(account_received(udp, &in) < 0);
	assert_true(account_taken(udp, &taken) < 0);
	assert_true(account_taken_exactly(-1, &taken) < 0);
	assert_int_equal(suitable_for_sockmap(udp, 0), -EOPNOTSUPP);
	assert_int_equal(suitable_for_sockmap(-1, 0), -EBADF);
}

static void test_suitable(void **state)
{
	struct pollfd readable = {.fd = near, .events = POLLRDHUP};

	(void)state;
	say("hello", 5);
	assert_int_equal(suitable_for_sockmap(near, 5), 0);
	assert_int_equal(suitable_for_sockmap(near, 6), -EOPNOTSUPP);
	shutdown(far, SHUT_WR);
	assert_int_equal(poll(&readable, 1, 5000), 1);
	assert_int_equal(suitable_for_sockmap(near, 5), -EOPNOTSUPP);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_received),
		TEST(test_taken),
		TEST(test_not_a_connection),
		TEST(test_suitable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
