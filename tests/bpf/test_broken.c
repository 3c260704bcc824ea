// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the program passes after it has seen a gap does not go on to the peer,
 * though user space comes to the bytes before it comes to the ring that tells
 * of the gap. The plane runs in this thread, turn by turn.
 */
#include "tests/bpf/lib/load.h"
#include "user/plane/kernel.h"
#include "user/plane/move.h"
#include "user/plane/socket.h"
#include "user/plane/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct {
	struct timers timers;
	struct kernel *kernel;
	struct plane plane;
	struct stream stream;
	struct watch ring;
	int far[2];
	bool ended;
	enum stream_end_reason reason;
} stage;

static void on_ended(struct stream *stream, enum stream_end_reason reason)
{
	(void)stream;
	stage.ended = true;
	stage.reason = reason;
}

static void on_ring(struct watch *watch, uint32_t events)
{
	(void)watch;
	(void)events;
	kernel_share_consume(stage.plane.kernel);
}

static void turn(void)
{
	struct epoll_event events[16];
	int n = epoll_wait(stage.plane.epoll, events, 16, 10);

	for (int i = 0; i < n; i++) {
		struct watch *watch = events[i].data.ptr;

		if (watch->fd >= 0 && watch->added)
			watch->ready(watch, events[i].events);
	}
	timers_run(&stage.timers, timer_now());
}

static int set_up(void **state)
{
	static const struct plane_settings settings = {
		.forwarding = FORWARD_SOCKMAP,
		.kernel_budget = 256 * 1024,
		.memory = 4 * 1024 * 1024,
	};
	const struct kernel_options options = {.workers = 1, .connections = 16};
	const struct load load = {.patience_s = 20};
	char why[KERNEL_WHY];

	(void)state;
	memset(&stage, 0, sizeof(stage));
	assert_int_equal(kernel_open(&options, &stage.kernel, why), 0);
	stage.plane = (struct plane){
		.epoll = epoll_create1(EPOLL_CLOEXEC),
		.timers = &stage.timers,
		.settings = &settings,
		.scratch = malloc(STREAM_CHUNK),
		.pipes = pipe_pool_new(4),
	};
	assert_int_equal(
		kernel_share_new(stage.kernel, 0, stream_kernel_event, &stage.plane.kernel), 0);
	stage.ring.fd = kernel_share_fd(stage.plane.kernel);
	stage.ring.ready = on_ring;
	assert_int_equal(watch_set(stage.plane.epoll, &stage.ring, EPOLLIN), 0);
	stream_init(&stage.stream, &stage.plane, on_ended);
	for (int i = 0; i < 2; i++) {
		struct watch *watch = &stage.stream.ends[i].watch;

		assert_int_equal(load_connect(&load, &watch->fd, &stage.far[i]), 0);
		socket_prepare(watch->fd, settings.memory);
		fcntl(watch->fd, F_SETFL, O_NONBLOCK);
	}
	stream_start(&stage.stream);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (!stage.ended)
		stream_close(&stage.stream, true);
	for (int i = 0; i < 2; i++)
		close(stage.far[i]);
	watch_remove(stage.plane.epoll, &stage.ring);
	kernel_share_free(stage.plane.kernel);
	kernel_close(stage.kernel);
	pipe_pool_free(stage.plane.pipes);
	free(stage.plane.scratch);
	close(stage.plane.epoll);
	return 0;
}

static void talk(int from)
{
	char bytes[100] = {0};

	assert_int_equal(send(stage.far[from], bytes, sizeof(bytes), 0), sizeof(bytes));
	for (size_t got = 0; got < sizeof(bytes);) {
		turn();
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
	return kernel_flow(stage.plane.kernel, stage.stream.directions[i].slot);
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
