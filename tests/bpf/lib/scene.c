// SPDX-License-Identifier: BSD-2-Clause
#include "tests/bpf/lib/scene.h"

#include "tests/bpf/lib/load.h"
#include "tests/bpf/lib/scale.h"
#include "tests/tools/lib/pattern.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 5000
#define BLOCK       (64 * 1024)

int scene_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(folder);
	while (readdir(folder))
		n++;
	closedir(folder);
	return n;
}

struct setting setting_with_small_reader(const struct setting *setting)
{
	struct setting changed = *setting;

	changed.rcvbuf = 16 * 1024;
	return changed;
}

struct scene scene_prepare(struct bridge *bridge, const struct setting *setting)
{
	const struct load load = {.family = setting->family,
				  .mapped = setting->mapped,
				  .rcvbuf = setting->rcvbuf,
				  .patience_s = (unsigned)patience(20)};
	struct scene scene = {.setting = setting, .bridge = bridge, .pair = -1};

	for (int i = 0; i < 2; i++)
		assert_int_equal(load_connect(&load, &scene.near[i], &scene.far[i]), 0);
	return scene;
}

void scene_start(struct scene *scene)
{
	scene->pair = bridge_add(scene->bridge, scene->near[0], scene->near[1]);
}

static bool send_pattern(struct scene *scene, int from, size_t n, int flags, bool may_be_reset)
{
	uint8_t block[BLOCK];

	while (n > 0) {
		size_t part = n < BLOCK ? n : BLOCK;

		pattern_fill(block, part, scene->sent[from], (uint64_t)from + 1);
		ssize_t sent = send(scene->far[from], block, part, MSG_NOSIGNAL | flags);
		if (sent < 0 && errno == ECONNRESET && may_be_reset)
			return false;
		if (sent <= 0)
			fail_msg("send: %s", strerror(errno));
		scene->sent[from] += (uint64_t)sent;
		n -= (size_t)sent;
	}
	return true;
}

void scene_send(struct scene *scene, int from, size_t n, int flags)
{
	(void)send_pattern(scene, from, n, flags, false);
}

bool scene_send_or_reset(struct scene *scene, int from, size_t n, int flags)
{
	return send_pattern(scene, from, n, flags, true);
}

/* Until nothing moves any more: the other side does not read. */
void scene_send_until_blocked(struct scene *scene, int from)
{
	static uint8_t block[BLOCK];
	struct pollfd writable = {.fd = scene->far[from], .events = POLLOUT};

	while (poll(&writable, 1, (int)longer(300)) > 0) {
		pattern_fill(block, BLOCK, scene->sent[from], (uint64_t)from + 1);
		ssize_t sent = send(scene->far[from], block, BLOCK, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EAGAIN)
			continue;
		assert_true(sent > 0);
		scene->sent[from] += (uint64_t)sent;
	}
}

void scene_send_unread(struct scene *scene, int from)
{
	scene_send(scene, from, 2 * 1024 * 1024, 0);
}

/* `n` bytes that far[!from] has sent, in their place. False: RST, where that may be. */
static bool receive(struct scene *scene, int at, uint64_t n, bool may_be_reset)
{
	uint8_t block[BLOCK];

	while (n > 0) {
		ssize_t got = recv(scene->far[at], block, n < BLOCK ? n : BLOCK, 0);
		if (got < 0 && errno == ECONNRESET && may_be_reset)
			return false;
		if (got <= 0)
			fail_msg("%s at byte %llu, %llu more were sent",
				 got ? strerror(errno) : "FIN",
				 (unsigned long long)scene->received[at], (unsigned long long)n);
		uint64_t bad =
			pattern_check(block, (size_t)got, scene->received[at], (uint64_t)!at + 1);
		if (bad != PATTERN_GOOD)
			fail_msg("wrong byte at %llu", (unsigned long long)bad);
		scene->received[at] += (uint64_t)got;
		n -= (uint64_t)got;
	}
	return true;
}

void scene_receive(struct scene *scene, int at, uint64_t n)
{
	(void)receive(scene, at, n, false);
}

void scene_receive_all(struct scene *scene, int at)
{
	scene_receive(scene, at, scene->sent[!at] - scene->received[at]);
}

void scene_finish(struct scene *scene, int from)
{
	assert_int_equal(shutdown(scene->far[from], SHUT_WR), 0);
}

static bool expect_fin(struct scene *scene, int at, bool may_be_reset)
{
	char byte;

	if (!receive(scene, at, scene->sent[!at] - scene->received[at], may_be_reset))
		return false;
	ssize_t n = recv(scene->far[at], &byte, 1, 0);
	if (n < 0 && errno == ECONNRESET && may_be_reset)
		return false;
	if (n != 0)
		fail_msg("%s instead of a FIN", n < 0 ? strerror(errno) : "a byte");
	return true;
}

void scene_expect_fin(struct scene *scene, int at)
{
	(void)expect_fin(scene, at, false);
}

bool scene_expect_fin_or_reset(struct scene *scene, int at)
{
	return expect_fin(scene, at, true);
}

void scene_expect_silence(struct scene *scene, int at, int ms)
{
	struct pollfd readable = {.fd = scene->far[at], .events = POLLIN | POLLRDHUP};

	assert_int_equal(poll(&readable, 1, ms), 0);
}

void scene_reset(struct scene *scene, int from)
{
	struct linger linger = {.l_onoff = 1, .l_linger = 0};

	setsockopt(scene->far[from], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(scene->far[from]);
	scene->far[from] = -1;
}

/* RST, without reading what may lie before it. EPIPE is what a socket says that has seen FIN. */
void scene_expect_reset(struct scene *scene, int at)
{
	struct pollfd failed = {.fd = scene->far[at]};
	int error = 0;
	socklen_t length = sizeof(error);

	if (poll(&failed, 1, (int)patience(PATIENCE_MS)) <= 0 || !(failed.revents & POLLERR))
		fail_msg("no RST, events %x", failed.revents);
	getsockopt(scene->far[at], SOL_SOCKET, SO_ERROR, &error, &length);
	if (error != ECONNRESET && error != EPIPE)
		fail_msg("%s instead of RST", strerror(error));
}

void scene_expect_no_reset(struct scene *scene, int at, int ms)
{
	struct pollfd failed = {.fd = scene->far[at]};

	assert_int_equal(poll(&failed, 1, ms), 0);
}

void scene_talk(struct scene *scene)
{
	struct bridge_result result;

	for (int turn = 0; turn < 200; turn++) {
		for (int i = 0; i < 2; i++) {
			scene_send(scene, i, 100, 0);
			scene_receive_all(scene, !i);
		}
		bridge_look(scene->bridge, scene->pair, &result);
		if (scene->setting->forwarding != FORWARD_SOCKMAP ||
		    (result.kernel_bytes[0] && result.kernel_bytes[1]))
			return;
		usleep(5000);
	}
	fail_msg("the kernel does not take the stream");
}

struct scene scene_open(struct bridge *bridge, const struct setting *setting)
{
	struct scene scene = scene_prepare(bridge, setting);

	scene_start(&scene);
	scene_talk(&scene);
	return scene;
}

void scene_close(struct scene *scene, enum stream_end_reason reason)
{
	struct bridge_result result;

	if (!bridge_wait(scene->bridge, scene->pair, PATIENCE_MS / 1000.0, &result))
		fail_msg("the stream has not ended");
	if (result.reason != reason)
		fail_msg("ended by '%s', not by '%s'", stream_reason_name(result.reason),
			 stream_reason_name(reason));
	if (reason == STREAM_FINISHED)
		for (int i = 0; i < 2; i++)
			assert_int_equal(result.bytes[i], scene->sent[i]);
	for (int i = 0; i < 2; i++)
		if (scene->far[i] >= 0)
			close(scene->far[i]);
	assert_int_equal(bridge_map_entries(scene->bridge), 0);
}

struct bridge *scene_bridge(enum stream_forwarding forwarding, uint64_t idle, uint64_t drain)
{
	const struct bridge_options options = {
		.plane = {.forwarding = forwarding,
			  .kernel_budget = 256 * 1024,
			  .memory = 4 * 1024 * 1024,
			  .idle_timeout = idle,
			  .drain_timeout = drain},
	};
	struct bridge *bridge = bridge_new(&options);

	assert_non_null(bridge);
	return bridge;
}
