// SPDX-License-Identifier: BSD-2-Clause
#include "tests/bpf/lib/bridge.h"

#include "common/loop/socket.h"
#include "tests/bpf/lib/kernel_paths.h"
#include "tests/bpf/lib/scale.h"
#include "user/plane/sockmap/sockmap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define PAIRS_MAX 20000

struct pair {
	struct stream stream;
	struct bridge *bridge;
	int fds[2];
	bool started, ended, asked;
	struct bridge_result result;
};

struct bridge {
	struct plane_settings settings;
	struct timers timers;
	struct paths paths;
	struct plane plane;
	struct kernel *kernel;
	struct watch wake;
	pthread_t thread;
	pthread_mutex_t lock; /* covers what follows */
	pthread_cond_t changed;
	struct pair **pairs;
	int n_pairs, n_started;
	bool stop;
};

static uint64_t unread(const struct stream *stream, int i)
{
	bool inside = stream->path->ops == &sockmap_path && stream->path_state;

	return inside ? sockmap_unread(stream, i) : 0;
}

static void note(struct pair *pair)
{
	struct stream *stream = &pair->stream;
	char paths[STREAM_PATHS_TEXT];

	stream_path_name(stream, paths);
	for (int i = 0; i < 2; i++) {
		pair->result.bytes[i] = stream_bytes(stream, i);
		pair->result.kernel_bytes[i] = stream_kernel_bytes(stream, i);
		struct stream_counts counts = stream_kernel_counts(stream, i);
		pair->result.spills[i] = counts.spills;
		pair->result.switches[i] = counts.switches;
		pair->result.overlaps[i] = counts.overlaps;
		pair->result.unread[i] = unread(stream, i);
		pair->result.read[i] = stream->ends[i].read;
	}
	pair->result.used_sockmap = strstr(paths, "sockmap");
	pair->result.used_splice = strstr(paths, "splice");
}

static void on_ended(struct stream *stream, enum stream_end_reason reason)
{
	struct pair *pair = container_of(stream, struct pair, stream);
	struct bridge *bridge = pair->bridge;

	note(pair);
	pthread_mutex_lock(&bridge->lock);
	pair->result.reason = reason;
	pair->ended = true;
	pthread_cond_broadcast(&bridge->changed);
	pthread_mutex_unlock(&bridge->lock);
}

static void on_wake(struct watch *watch, uint32_t events)
{
	struct bridge *bridge = container_of(watch, struct bridge, wake);
	uint64_t count;

	(void)events;
	ssize_t n = read(watch->fd, &count, sizeof(count));
	(void)n;
	pthread_mutex_lock(&bridge->lock);
	for (int i = 0; i < bridge->n_pairs; i++) {
		struct pair *pair = bridge->pairs[i];

		if (pair->asked && !pair->ended) {
			note(pair);
			pair->asked = false;
			pthread_cond_broadcast(&bridge->changed);
		}
		if (pair->started)
			continue;
		pair->started = true;
		pthread_mutex_unlock(&bridge->lock);
		stream_init(&pair->stream, &bridge->plane, on_ended);
		for (int side = 0; side < 2; side++)
			pair->stream.ends[side].watch.fd = pair->fds[side];
		stream_start(&pair->stream);
		pthread_mutex_lock(&bridge->lock);
	}
	pthread_mutex_unlock(&bridge->lock);
}

static bool stopped(struct bridge *bridge)
{
	pthread_mutex_lock(&bridge->lock);
	bool stop = bridge->stop;
	pthread_mutex_unlock(&bridge->lock);
	return stop;
}

static void *run(void *arg)
{
	struct bridge *bridge = arg;
	struct epoll_event events[64];

	while (!stopped(bridge)) {
		int64_t next = timers_next(&bridge->timers, clock_now());
		int n = epoll_wait(bridge->plane.epoll, events, 64,
				   next < 0 ? -1 : (int)((next + 999999) / 1000000));
		for (int i = 0; i < n; i++) {
			struct watch *watch = events[i].data.ptr;
			if (watch->fd >= 0 && watch->added)
				watch->ready(watch, events[i].events);
		}
		timers_run(&bridge->timers, clock_now());
	}
	return NULL;
}

static void wake(struct bridge *bridge)
{
	uint64_t one = 1;
	ssize_t n = write(bridge->wake.fd, &one, sizeof(one));

	(void)n;
}

struct bridge *bridge_new(const struct bridge_options *options)
{
	struct bridge *bridge = calloc(1, sizeof(*bridge));
	enum stream_forwarding forwarding = options->plane.forwarding;

	bridge->settings = options->plane;
	/* The defaults of user/settings_schema.c. */
	bridge->settings.rules = (struct auto_rules){
		.sockmap_after = 200 * NS_PER_MS,
		.burst_length = 100 * NS_PER_MS,
		.bulk_bytes = 1024 * 1024,
		.bulk_spills = 16,
		.busy_percent = 90,
		.calm_percent = 75,
	};
	bridge->pairs = calloc(PAIRS_MAX, sizeof(struct pair *));
	pthread_mutex_init(&bridge->lock, NULL);
	pthread_cond_init(&bridge->changed, NULL);
	bridge->plane.epoll = epoll_create1(EPOLL_CLOEXEC);
	bridge->plane.timers = &bridge->timers;
	bridge->plane.settings = &bridge->settings;
	bridge->wake.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	bridge->wake.ready = on_wake;
	watch_set(bridge->plane.epoll, &bridge->wake, EPOLLIN);
	if (forwarding == FORWARD_AUTO || forwarding == FORWARD_SOCKMAP) {
		struct kernel_options kernel = {
			.workers = 1,
			.connections = options->connections ? options->connections : 256,
			.no_trimming = options->no_trimming,
		};
		char why[KERNEL_WHY];

		if (kernel_open(&kernel, &bridge->kernel, why) < 0) {
			fprintf(stderr, "%s\n", why);
			return NULL;
		}
	}
	bridge->paths = kernel_paths(bridge->kernel);
	if (plane_open(&bridge->plane, &bridge->paths, 0) < 0) {
		fprintf(stderr, "plane_open: out of memory, or no ring\n");
		return NULL;
	}
	pthread_create(&bridge->thread, NULL, run, bridge);
	return bridge;
}

void bridge_free(struct bridge *bridge)
{
	if (!bridge)
		return;
	pthread_mutex_lock(&bridge->lock);
	bridge->stop = true;
	pthread_mutex_unlock(&bridge->lock);
	wake(bridge);
	pthread_join(bridge->thread, NULL);
	for (int i = 0; i < bridge->n_pairs; i++) {
		if (bridge->pairs[i]->started)
			stream_close(&bridge->pairs[i]->stream, true);
		free(bridge->pairs[i]);
	}
	free(bridge->pairs);
	plane_close(&bridge->plane);
	kernel_close(bridge->kernel);
	close(bridge->wake.fd);
	close(bridge->plane.epoll);
	free(bridge);
}

int bridge_add(struct bridge *bridge, int outside, int inside)
{
	struct pair *pair = calloc(1, sizeof(*pair));

	pair->bridge = bridge;
	pair->fds[0] = outside;
	pair->fds[1] = inside;
	for (int side = 0; side < 2; side++)
		socket_prepare(pair->fds[side], bridge->settings.memory);
	for (int side = 0; side < 2; side++)
		fcntl(pair->fds[side], F_SETFL, fcntl(pair->fds[side], F_GETFL) | O_NONBLOCK);
	pthread_mutex_lock(&bridge->lock);
	int number = bridge->n_pairs++;
	bridge->pairs[number] = pair;
	pthread_mutex_unlock(&bridge->lock);
	wake(bridge);
	return number;
}

bool bridge_wait(struct bridge *bridge, int number, double seconds, struct bridge_result *ret)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	seconds = (double)patience((uint64_t)(seconds * 1e3)) / 1e3;
	until.tv_sec += (time_t)seconds;
	until.tv_nsec += (long)((seconds - (double)(time_t)seconds) * 1e9);
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&bridge->lock);
	struct pair *pair = bridge->pairs[number];
	int r = 0;
	while (!pair->ended && r == 0)
		r = pthread_cond_timedwait(&bridge->changed, &bridge->lock, &until);
	bool ended = pair->ended;
	*ret = pair->result;
	pthread_mutex_unlock(&bridge->lock);
	return ended;
}

void bridge_look(struct bridge *bridge, int number, struct bridge_result *ret)
{
	pthread_mutex_lock(&bridge->lock);
	struct pair *pair = bridge->pairs[number];
	pair->asked = true;
	wake(bridge);
	while (pair->asked && !pair->ended)
		pthread_cond_wait(&bridge->changed, &bridge->lock);
	*ret = pair->result;
	pthread_mutex_unlock(&bridge->lock);
}

unsigned bridge_running(struct bridge *bridge)
{
	unsigned n = 0;

	pthread_mutex_lock(&bridge->lock);
	for (int i = 0; i < bridge->n_pairs; i++)
		n += !bridge->pairs[i]->ended;
	pthread_mutex_unlock(&bridge->lock);
	return n;
}

uint64_t bridge_cpu(struct bridge *bridge)
{
	struct timespec used;
	clockid_t clock;

	if (pthread_getcpuclockid(bridge->thread, &clock) != 0 || clock_gettime(clock, &used) < 0)
		return 0;
	return (uint64_t)used.tv_sec * NS_PER_S + (uint64_t)used.tv_nsec;
}

unsigned bridge_map_entries(struct bridge *bridge)
{
	return bridge->kernel ? kernel_entries(bridge->kernel) : 0;
}
