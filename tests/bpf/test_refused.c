// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who must not go into the map, and what comes of a stream that may not leave
 * it: the filter that leaving needs asks for CAP_NET_ADMIN from 6.1.176 and
 * 6.12.94 on, and the capability is taken away here.
 */
#include "common/base/cleanup.h"
#include "tests/bpf/lib/load.h"
#include "tests/bpf/lib/stage.h"
#include "user/plane/sockmap/door.h"
#include "user/plane/sockmap/selftest.h"
#include "user/plane/sockmap/suitable.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct stage stage;

/* 100 bytes from one far end to the other. */
static void talk(const int far[2], int from)
{
	char bytes[100], got[100];

	memset(bytes, 'a' + from, sizeof(bytes));
	assert_int_equal(send(far[from], bytes, sizeof(bytes), MSG_NOSIGNAL), sizeof(bytes));
	for (size_t have = 0; have < sizeof(got);) {
		stage_turn(&stage);
		ssize_t n = recv(far[!from], got + have, sizeof(got) - have, MSG_DONTWAIT);
		assert_true(n > 0 || (n < 0 && errno == EAGAIN));
		have += n > 0 ? (size_t)n : 0;
	}
	assert_memory_equal(bytes, got, sizeof(got));
}

static const char *path_name(const struct stream *stream)
{
	return stream->path->ops->name;
}

static void into_the_kernel(void)
{
	for (int i = 0; i < 200 && !(stream_kernel_bytes(&stage.stream, 0) &&
				     stream_kernel_bytes(&stage.stream, 1));
	     i++) {
		talk(stage.far, 0);
		talk(stage.far, 1);
	}
	assert_true(stream_kernel_bytes(&stage.stream, 0) && stream_kernel_bytes(&stage.stream, 1));
}

/* 0, or -errno where this kernel has no such protocol. */
static int connect_protocols(int server, int client, int *ret_near, int *ret_far)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	socklen_t length = sizeof(addr);
	AUTO_CLOSE int listener = socket(AF_INET, SOCK_STREAM, server);
	AUTO_CLOSE int far = socket(AF_INET, SOCK_STREAM, client);

	if (listener < 0 || far < 0)
		return -errno;
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&addr, &length), 0);
	assert_int_equal(connect(far, (struct sockaddr *)&addr, sizeof(addr)), 0);
	*ret_near = accept(listener, NULL, NULL);
	assert_true(*ret_near >= 0);
	*ret_far = TAKE_FD(far);
	return 0;
}

/* A stream whose outer socket is such one: where it goes, and that its bytes arrive. */
static void run_protocols(int server, int client, int suitable, const char *path)
{
	const struct load load = {.patience_s = 20};
	int near[2], far[2];

	if (connect_protocols(server, client, &near[0], &far[0]) < 0) {
		print_message("# this kernel has no MPTCP, so there is nobody to keep out\n");
		return;
	}
	assert_int_equal(suitable_for_sockmap(near[0], 0), suitable);
	assert_int_equal(load_connect(&load, &near[1], &far[1]), 0);
	stage_open_sockets(&stage, near, far);
	for (int i = 0; i < 20; i++) {
		talk(far, 0);
		talk(far, 1);
	}
	assert_string_equal(path_name(&stage.stream), path);
	assert_int_equal(kernel_entries(stage.kernel), strcmp(path, "copy") == 0 ? 0 : 4);
	stage_close(&stage);
}

static void test_mptcp_stays_outside(void **state)
{
	(void)state;
	run_protocols(IPPROTO_MPTCP, IPPROTO_MPTCP, -EOPNOTSUPP, "copy");
}

/* accept() of an MPTCP listener gives a TCP socket for a client that knows only TCP. */
static void test_plain_client_of_an_mptcp_listener(void **state)
{
	(void)state;
	run_protocols(IPPROTO_MPTCP, IPPROTO_TCP, 0, "sockmap");
}

/* Of this thread. */
static void net_admin(cap_flag_t set, cap_flag_value_t value)
{
	const cap_value_t capability = CAP_NET_ADMIN;
	cap_t all = cap_get_proc();

	assert_int_equal(cap_set_flag(all, CAP_EFFECTIVE, 1, &capability, value), 0);
	if (set == CAP_PERMITTED)
		assert_int_equal(cap_set_flag(all, CAP_PERMITTED, 1, &capability, value), 0);
	assert_int_equal(cap_set_proc(all), 0);
	cap_free(all);
}

/* True: this kernel asks for the capability. */
static bool filter_is_forbidden(void)
{
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	net_admin(CAP_EFFECTIVE, CAP_CLEAR);
	int r = door_shut(fd);
	net_admin(CAP_EFFECTIVE, CAP_SET);
	assert_true(r == 0 || r == -EPERM);
	return r == -EPERM;
}

static void nobody_is_told(struct stream *stream, enum stream_end_reason reason)
{
	(void)stream, (void)reason;
}

/* The next stream of the same worker. */
static void expect_no_entry(void)
{
	const struct load load = {.patience_s = 20};
	struct stream next;
	int far[2];

	stage.settings.forwarding = FORWARD_SOCKMAP;
	stream_init(&next, &stage.plane, nobody_is_told);
	for (int i = 0; i < 2; i++)
		assert_int_equal(load_connect(&load, &next.ends[i].watch.fd, &far[i]), 0);
	stream_start(&next);
	for (int i = 0; i < 20; i++)
		talk(far, i % 2);
	assert_string_equal(path_name(&next), "copy");
	stream_close(&next, true);
	close(far[0]);
	close(far[1]);
}

static void test_no_way_out(void **state)
{
	char byte;

	(void)state;
	bool forbidden = filter_is_forbidden();

	stage_open(&stage, FORWARD_SOCKMAP, 0);
	into_the_kernel();
	net_admin(CAP_EFFECTIVE, CAP_CLEAR);
	stage.settings.forwarding = FORWARD_COPY;
	stream_look(&stage.stream);
	for (int i = 0; i < 500 && !stage.ended && stage.stream.path_state; i++)
		stage_turn(&stage);
	net_admin(CAP_EFFECTIVE, CAP_SET);
	assert_int_equal(stage.ended, forbidden);
	if (!forbidden) {
		print_message("# this kernel does not ask for the capability\n");
		talk(stage.far, 0);
		stage_close(&stage);
		return;
	}
	assert_int_equal(stage.reason, STREAM_STUCK);
	for (int i = 0; i < 2; i++)
		assert_true(recv(stage.far[i], &byte, 1, 0) < 0 && errno == ECONNRESET);
	expect_no_entry();
	stage_close(&stage);
}

/* In a child, since a capability that is given away does not come back. */
static int selftest_without_net_admin(bool forbidden)
{
	const struct kernel_options options = {.workers = 1, .connections = 16};
	struct kernel *kernel;
	char why[KERNEL_WHY] = "";

	if (kernel_open(&options, &kernel, why) < 0)
		return 2;
	net_admin(CAP_PERMITTED, CAP_CLEAR);
	int r = selftest(kernel, why);
	kernel_close(kernel);
	if (!forbidden)
		return r < 0;
	return r == -EPERM && strstr(why, "CAP_NET_ADMIN") ? 0 : 1;
}

static void test_the_gate_stays_shut(void **state)
{
	bool forbidden = filter_is_forbidden();
	int status;

	(void)state;
	pid_t child = fork();
	if (child == 0)
		_exit(selftest_without_net_admin(forbidden));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* What the process has before, it has after. */
static void test_the_check_gives_capabilities_back(void **state)
{
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cap_t before = cap_get_proc();

	(void)state;
	assert_int_equal(door_check(fd), 0);
	cap_t after = cap_get_proc();
	assert_int_equal(cap_compare(before, after), 0);
	cap_free(before);
	cap_free(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mptcp_stays_outside),
		cmocka_unit_test(test_plain_client_of_an_mptcp_listener),
		cmocka_unit_test(test_no_way_out),
		cmocka_unit_test(test_the_gate_stays_shut),
		cmocka_unit_test(test_the_check_gives_capabilities_back),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
