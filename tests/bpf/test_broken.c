// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the program passes after it has seen a gap does not go on to the peer,
 * though user space comes to the bytes before it comes to the ring that tells
 * of the gap. The plane runs in this thread, turn by turn.
 */
#include "tests/bpf/lib/stage.h"
#include "user/plane/sockmap/sockmap.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cmocka.h>

static struct stage stage;

static int set_up(void **state)
{
	(void)state;
	stage_open(&stage, FORWARD_SOCKMAP, 4 * 1024 * 1024);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	stage_close(&stage);
	return 0;
}

static void talk(int from)
{
	char bytes[100] = {0};

	assert_int_equal(send(stage.far[from], bytes, sizeof(bytes), 0), sizeof(bytes));
	for (size_t got = 0; got < sizeof(bytes);) {
		stage_turn(&stage);
		ssize_t n = recv(stage.far[!from], bytes, sizeof(bytes) - got, MSG_DONTWAIT);
		assert_true(n > 0 || (n < 0 && errno == EAGAIN));
		got += n > 0 ? (size_t)n : 0;
	}
}

static bool kernel_carries_both(void)
{
	return stream_kernel_bytes(&stage.stream, 0) && stream_kernel_bytes(&stage.stream, 1);
}

static volatile struct flow *flow(int i)
{
	return sockmap_flow(&stage.stream, i);
}

static void test_bytes_behind_a_gap(void **state)
{
	struct watch *source = &stage.stream.ends[0].watch;
	struct pollfd readable = {.fd = source->fd, .events = POLLIN};
	char byte;

	(void)state;
	for (int i = 0; i < 200 && !kernel_carries_both(); i++) {
		talk(0);
		talk(1);
	}
	assert_true(kernel_carries_both());

	/* As if four bytes before the next segment had been lost. */
	flow(0)->next_seq -= 4;
	assert_int_equal(send(stage.far[0], "behind", 6, 0), 6);
	assert_int_equal(poll(&readable, 1, 5000), 1);
	assert_int_equal(flow(0)->broken, 1);
	source->ready(source, EPOLLIN);
	assert_true(stage.ended);
	assert_int_equal(stage.reason, STREAM_BROKEN);
	assert_true(recv(stage.far[1], &byte, 1, 0) < 0 && errno == ECONNRESET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bytes_behind_a_gap, set_up, tear_down),
	};
	return cmocka_run_group_tests_name("a broken stream", tests, NULL, NULL);
}
