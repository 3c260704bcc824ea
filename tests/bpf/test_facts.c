// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the data plane believes of the kernel, one test a fact. docs/kernel.md
 * names them; a new kernel that thinks otherwise is noticed here.
 */
#include "common/base/cleanup.h"
#include "tests/bpf/lib/load.h"
#include "tests/bpf/lib/lossy.h"
#include "tests/bpf/lib/scale.h"
#include "user/plane/sockmap/account.h"
#include "user/plane/sockmap/kernel.h"
#include "user/plane/sockmap/quirks.h"
#include "user/plane/sockmap/selftest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cmocka.h>

static struct kernel *kernel;

/* near[0] ↔ near[1] bridged in the map, nothing offered; far[] are their peers. */
struct bench {
	struct kernel_share *share;
	int near[2], far[2];
	uint64_t cookies[2];
	uint32_t slots[2];
};

static volatile struct flow *flow(struct bench *bench, int i)
{
	return kernel_flow(bench->share, bench->slots[i]);
}

static void lowat(int fd, int bytes)
{
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes)), 0);
}

static int insert(struct bench *bench, int i)
{
	return kernel_peer_add(bench->share, bench->cookies[!i], bench->near[i]);
}

static void open_bench(struct bench *bench)
{
	const struct load load = {0};

	assert_int_equal(kernel_share_new(kernel, 0, NULL, &bench->share), 0);
	for (int i = 0; i < 2; i++) {
		socklen_t length = sizeof(bench->cookies[i]);

		assert_int_equal(load_connect(&load, &bench->near[i], &bench->far[i]), 0);
		fcntl(bench->near[i], F_SETFL, O_NONBLOCK);
		assert_int_equal(getsockopt(bench->near[i], SOL_SOCKET, SO_COOKIE,
					    &bench->cookies[i], &length),
				 0);
		assert_int_equal(kernel_slot_take(bench->share, bench->cookies[i], 1 << 20, NULL,
						  &bench->slots[i]),
				 0);
	}
	for (int i = 0; i < 2; i++)
		flow(bench, i)->peer_slot = bench->slots[!i];
}

static void open_bridged(struct bench *bench, bool offered)
{
	open_bench(bench);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(insert(bench, i), 0);
		flow(bench, i)->offered = offered;
	}
}

static void close_bench(struct bench *bench)
{
	for (int i = 0; i < 2; i++) {
		close(bench->near[i]);
		close(bench->far[i]);
		kernel_slot_give_back(bench->share, bench->slots[i]);
	}
	kernel_share_free(bench->share);
	assert_int_equal(kernel_entries(kernel), 0);
}

static void wait_readable(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&poll_fd, 1, (int)patience(5000)), 1);
}

static void wait_passed(struct bench *bench, int i, uint64_t bytes)
{
	for (uint64_t tries = 0; tries < patience(500) && flow(bench, i)->passed != bytes; tries++)
		usleep(10000);
	assert_int_equal(flow(bench, i)->passed, bytes);
}

static void test_half_closed_is_refused(void **state)
{
	struct bench bench;
	char byte;

	(void)state;
	open_bench(&bench);
	shutdown(bench.far[0], SHUT_WR);
	wait_readable(bench.near[0]);
	assert_int_equal(recv(bench.near[0], &byte, 1, 0), 0);
	assert_int_equal(insert(&bench, 0), -EOPNOTSUPP);
	assert_int_equal(insert(&bench, 1), 0);
	close_bench(&bench);
}

static void test_bytes_before_the_insert_wait_for_a_kick(void **state)
{
	struct bench bench;
	char got[16];

	(void)state;
	open_bench(&bench);
	assert_int_equal(send(bench.far[0], "0123456789", 10, 0), 10);
	wait_readable(bench.near[0]);
	assert_int_equal(insert(&bench, 0), 0);
	assert_int_equal(flow(&bench, 0)->passed, 0);
	lowat(bench.near[0], 1);
	wait_passed(&bench, 0, 10);
	assert_int_equal(recv(bench.near[0], got, sizeof(got), 0), 10);
	assert_memory_equal(got, "0123456789", 10);
	close_bench(&bench);
}

/* Where the reader stands is tp->copied_seq: the program cuts off what it has read. */
static void test_a_partly_read_segment_is_cut(void **state)
{
	struct bench bench;
	char got[16];

	(void)state;
	open_bench(&bench);
	assert_int_equal(send(bench.far[0], "0123456789", 10, 0), 10);
	wait_readable(bench.near[0]);
	assert_int_equal(recv(bench.near[0], got, 4, 0), 4);
	assert_int_equal(insert(&bench, 0), 0);
	lowat(bench.near[0], 1);
	wait_passed(&bench, 0, 6);
	assert_int_equal(recv(bench.near[0], got, sizeof(got), 0), 6);
	assert_memory_equal(got, "456789", 6);
	assert_int_equal(flow(&bench, 0)->trimmed, 4);
	close_bench(&bench);
}

/*
 * tcp_data_ready() heeds SO_RCVLOWAT: what arrives meanwhile stays TCP's own.
 * recv() finds nothing, but on 5.10, where it takes it from there, past the
 * program.
 */
static void test_lowat_is_a_gate(void **state)
{
	struct bench bench;
	char got[16];

	(void)state;
	open_bridged(&bench, false);
	lowat(bench.near[0], 128 * 1024);
	assert_int_equal(send(bench.far[0], "0123456789", 10, 0), 10);
	usleep(50000);
	assert_int_equal(flow(&bench, 0)->passed, 0);
	ssize_t n = recv(bench.near[0], got, sizeof(got), 0);
	if (n == 10 && quirks_of_this_kernel().stops_at_urgent) {
		lowat(bench.near[0], 1);
		assert_int_equal(flow(&bench, 0)->passed, 0);
	} else {
		assert_int_equal(n, -1);
		assert_int_equal(errno, EAGAIN);
		lowat(bench.near[0], 1);
		wait_passed(&bench, 0, 10);
		assert_int_equal(recv(bench.near[0], got, sizeof(got), 0), 10);
	}
	close_bench(&bench);
}

static void test_splice_cannot_read_passed_bytes(void **state)
{
	struct bench bench;
	int fds[2];

	(void)state;
	open_bridged(&bench, false);
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	assert_int_equal(send(bench.far[0], "0123456789", 10, 0), 10);
	wait_readable(bench.near[0]);
	assert_int_equal(splice(bench.near[0], NULL, fds[1], NULL, 100, SPLICE_F_NONBLOCK), -1);
	assert_int_equal(errno, EAGAIN);
	close(fds[0]);
	close(fds[1]);
	close_bench(&bench);
}

static uint64_t fill(int fd)
{
	static char block[65536];
	uint64_t sent = 0;
	uint64_t idle = 0;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (idle < longer(30) && sent < (256u << 20)) {
		ssize_t n = send(fd, block, sizeof(block), MSG_NOSIGNAL);
		if (n > 0) {
			sent += (uint64_t)n;
			idle = 0;
		} else {
			idle++;
			usleep(10000);
		}
	}
	return sent;
}

static void test_passing_is_flow_controlled(void **state)
{
	struct bench bench;

	(void)state;
	open_bridged(&bench, false);
	uint64_t sent = fill(bench.far[0]);
	assert_true(sent < (32u << 20));
	assert_true(flow(&bench, 0)->passed <= sent);
	close_bench(&bench);
}

/* The queue of redirected bytes is nobody's account: it is the program's room check that stops. */
static void test_the_room_check_bounds_redirection(void **state)
{
	struct bench bench;
	uint64_t taken;

	(void)state;
	open_bridged(&bench, true);
	int bytes = 256 * 1024;
	setsockopt(bench.near[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	(void)fill(bench.far[0]);
	volatile struct flow *f = flow(&bench, 0);
	assert_int_equal(f->spills, 1);
	assert_int_equal(f->reason, FLOW_SPILL_ROOM);
	assert_int_equal(account_taken(bench.near[1], &taken), 0);
	/* And the worker has handed on all that it was given, though nobody reads. */
	for (uint64_t tries = 0; tries < patience(200) && taken < f->redirected; tries++) {
		usleep(10000);
		assert_int_equal(account_taken(bench.near[1], &taken), 0);
	}
	assert_true(taken >= f->redirected);
	close_bench(&bench);
}

static void test_accounts(void **state)
{
	struct bench bench;
	struct account_in in;
	uint64_t base, taken;
	char got[16];

	(void)state;
	open_bridged(&bench, true);
	assert_int_equal(account_taken_exactly(bench.near[1], &base), 0);
	assert_int_equal(send(bench.far[0], "0123456789", 10, 0), 10);
	assert_int_equal(recv(bench.far[1], got, 10, MSG_WAITALL), 10);
	assert_int_equal(account_received(bench.near[0], &in), 0);
	assert_int_equal(in.received, 10);
	assert_int_equal(in.state, TCP_ESTABLISHED);
	assert_int_equal(account_taken(bench.near[1], &taken), 0);
	assert_int_equal(taken - base, 10);
	assert_int_equal(flow(&bench, 0)->redirected, 10);
	shutdown(bench.far[0], SHUT_WR);
	wait_readable(bench.near[0]);
	assert_int_equal(account_received(bench.near[0], &in), 0);
	assert_int_equal(in.received, 11);
	assert_int_equal(in.state, TCP_CLOSE_WAIT);
	close_bench(&bench);
}

/*
 * What FIONREAD says inside the map is another thing in each series: without
 * the passed bytes before 6.1.32, with them later, without TCP's own from
 * 6.12.115 on. Outside it is TCP's own, and the accounting may rely on it.
 */
static void test_fionread_is_tcps_own_outside_only(void **state)
{
	struct bench bench;
	char got[16];
	int unread = -1;

	(void)state;
	open_bridged(&bench, false);
	assert_int_equal(send(bench.far[0], "0123456789", 10, 0), 10);
	wait_passed(&bench, 0, 10);
	assert_int_equal(ioctl(bench.near[0], FIONREAD, &unread), 0);
	print_message("# FIONREAD inside the map with 10 passed bytes: %d\n", unread);
	assert_int_equal(recv(bench.near[0], got, sizeof(got), 0), 10);
	/* These wait in front of the program, and in TCP's own queue when the socket has left. */
	lowat(bench.near[0], 128 * 1024);
	assert_int_equal(send(bench.far[0], "abcde", 5, 0), 5);
	usleep(50000);
	for (int i = 0; i < 2; i++)
		assert_int_equal(kernel_peer_remove(bench.share, bench.cookies[i]), 0);
	assert_int_equal(account_complete(bench.near[0], 10), 1);
	assert_int_equal(account_complete(bench.near[0], 9), 0);
	assert_int_equal(ioctl(bench.near[0], FIONREAD, &unread), 0);
	assert_int_equal(unread, 5);
	lowat(bench.near[0], 1);
	assert_int_equal(recv(bench.near[0], got, sizeof(got), 0), 5);
	assert_memory_equal(got, "abcde", 5);
	close_bench(&bench);
}

/* It neither reaches the peer nor harms it, and recv() tells the end. */
static void test_a_bare_fin_harms_nobody(void **state)
{
	struct bench bench;
	char got[16];

	(void)state;
	open_bridged(&bench, true);
	for (int i = 0; i < 2; i++) {
		shutdown(bench.far[i], SHUT_WR);
		wait_readable(bench.near[i]);
		assert_int_equal(recv(bench.near[i], got, sizeof(got), 0), 0);
	}
	int error = 0;
	socklen_t length = sizeof(error);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(send(bench.near[i], "tail", 4, 0), 4);
		assert_int_equal(recv(bench.far[i], got, 4, MSG_WAITALL), 4);
		getsockopt(bench.near[i], SOL_SOCKET, SO_ERROR, &error, &length);
		assert_int_equal(error, 0);
	}
	close_bench(&bench);
}

static unsigned wake_ups(uint32_t events)
{
	struct bench bench;
	struct epoll_event event = {.events = events}, got;
	unsigned woken = 0;
	char bytes[1000];

	open_bridged(&bench, true);
	AUTO_CLOSE int epoll = epoll_create1(0);
	assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, bench.near[0], &event), 0);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(send(bench.far[0], "0123456789", 10, 0), 10);
		woken += epoll_wait(epoll, &got, 1, 5) > 0;
	}
	assert_int_equal(recv(bench.far[1], bytes, sizeof(bytes), MSG_WAITALL), sizeof(bytes));
	close_bench(&bench);
	return woken;
}

static void test_only_rdhup_lets_user_space_sleep(void **state)
{
	(void)state;
	assert_int_equal(wake_ups(EPOLLRDHUP), 0);
}

static int sockets_left(void)
{
	char line[256];
	int n = -1; /* the head of the table */
	FILE *table = fopen("/proc/self/net/tcp", "re");

	assert_non_null(table);
	while (fgets(line, sizeof(line), table)) {
		if (!strstr(line, " 06 ")) /* TIME-WAIT */
			n++;
	}
	(void)fclose(table);
	return n;
}

/* Its ends do not agree about their sequence numbers: closed, they would repeat themselves. */
static void test_the_selftest_leaves_no_sockets(void **state)
{
	char why[KERNEL_WHY] = "";
	int patience = 500;

	(void)state;
	assert_int_equal(lossy_enter(), 0);
	if (selftest(kernel, why) != 0)
		fail_msg("%s", why);
	while (sockets_left() > 0 && patience-- > 0)
		(void)poll(NULL, 0, 2);
	assert_int_equal(sockets_left(), 0);
}

static int open_kernel(void **state)
{
	const struct kernel_options options = {.workers = 1, .connections = 16};
	char why[KERNEL_WHY];

	(void)state;
	if (kernel_open(&options, &kernel, why) == 0)
		return 0;
	fprintf(stderr, "%s\n", why);
	return -1;
}

static int close_kernel(void **state)
{
	(void)state;
	kernel_close(kernel);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_half_closed_is_refused),
		cmocka_unit_test(test_bytes_before_the_insert_wait_for_a_kick),
		cmocka_unit_test(test_a_partly_read_segment_is_cut),
		cmocka_unit_test(test_lowat_is_a_gate),
		cmocka_unit_test(test_splice_cannot_read_passed_bytes),
		cmocka_unit_test(test_passing_is_flow_controlled),
		cmocka_unit_test(test_the_room_check_bounds_redirection),
		cmocka_unit_test(test_accounts),
		cmocka_unit_test(test_fionread_is_tcps_own_outside_only),
		cmocka_unit_test(test_a_bare_fin_harms_nobody),
		cmocka_unit_test(test_only_rdhup_lets_user_space_sleep),
		cmocka_unit_test(test_the_selftest_leaves_no_sockets), /* in another namespace */
	};

	return cmocka_run_group_tests(tests, open_kernel, close_kernel);
}
