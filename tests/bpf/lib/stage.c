// SPDX-License-Identifier: BSD-2-Clause
#include "tests/bpf/lib/stage.h"

#include "common/loop/socket.h"
#include "tests/bpf/lib/kernel_paths.h"
#include "tests/bpf/lib/load.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

static void on_ended(struct stream *stream, enum stream_end_reason reason)
{
	struct stage *stage = container_of(stream, struct stage, stream);

	stage->ended = true;
	stage->reason = reason;
}

static void open_kernel(struct stage *stage)
{
	const struct kernel_options options = {.workers = 1, .connections = 16};
	char why[KERNEL_WHY];

	assert_int_equal(kernel_open(&options, &stage->kernel, why), 0);
}

static void open_plane(struct stage *stage, enum stream_forwarding forwarding, uint32_t memory,
		       const struct path_entry *table)
{
	memset(stage, 0, sizeof(*stage));
	stage->settings = (struct plane_settings){
		.forwarding = forwarding,
		.kernel_budget = 256 * 1024,
		.memory = memory,
	};
	stage->plane = (struct plane){
		.epoll = epoll_create1(EPOLL_CLOEXEC),
		.timers = &stage->timers,
		.settings = &stage->settings,
	};
	if (table) {
		stage->paths = (struct paths){.table = table};
	} else {
		if (forwarding == FORWARD_SOCKMAP)
			open_kernel(stage);
		stage->paths = kernel_paths(stage->kernel);
	}
	assert_int_equal(plane_open(&stage->plane, &stage->paths, 0), 0);
	stream_init(&stage->stream, &stage->plane, on_ended);
}

static void start(struct stage *stage, const int near[2], const int far[2])
{
	for (int i = 0; i < 2; i++) {
		stage->stream.ends[i].watch.fd = near[i];
		stage->far[i] = far[i];
		socket_prepare(near[i], stage->settings.memory);
		fcntl(near[i], F_SETFL, O_NONBLOCK);
	}
	stream_start(&stage->stream);
}

void stage_open_paths(struct stage *stage, enum stream_forwarding forwarding, uint32_t memory,
		      const struct path_entry *table)
{
	const struct load load = {.patience_s = 20};
	int near[2], far[2];

	open_plane(stage, forwarding, memory, table);
	for (int i = 0; i < 2; i++)
		assert_int_equal(load_connect(&load, &near[i], &far[i]), 0);
	start(stage, near, far);
}

void stage_open(struct stage *stage, enum stream_forwarding forwarding, uint32_t memory)
{
	stage_open_paths(stage, forwarding, memory, NULL);
}

void stage_open_sockets(struct stage *stage, const int near[2], const int far[2])
{
	open_plane(stage, FORWARD_SOCKMAP, 0, NULL);
	start(stage, near, far);
}

void stage_close(struct stage *stage)
{
	if (!stage->ended)
		stream_close(&stage->stream, true);
	for (int i = 0; i < 2; i++)
		close(stage->far[i]);
	plane_close(&stage->plane);
	kernel_close(stage->kernel);
	close(stage->plane.epoll);
}

void stage_turn(struct stage *stage)
{
	struct epoll_event events[16];
	int n = epoll_wait(stage->plane.epoll, events, 16, 10);

	for (int i = 0; i < n; i++) {
		struct watch *watch = events[i].data.ptr;

		if (watch->fd >= 0 && watch->added)
			watch->ready(watch, events[i].events);
	}
	timers_run(&stage->timers, clock_now());
}
