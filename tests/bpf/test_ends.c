// SPDX-License-Identifier: BSD-2-Clause
/*
 * How connections end: FIN, RST and close() at every point, on each path of
 * the plane and with each address family. An end must cross as what it is,
 * and a FIN never before the last byte.
 */
#include "tests/bpf/lib/scale.h"
#include "tests/bpf/lib/scene.h"
#include "tests/bpf/lib/sender.h"
#include "user/plane/quirks.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define KIB 1024ull
#define MIB (1024 * KIB)

#define PATIENCE_MS 5000

/* Of the group of tests that runs: one path of the plane. */
static struct bridge *bridge;
static int descriptors_before;

static enum stream_end_reason reset_by(int side)
{
	return side ? STREAM_RESET_BY_1 : STREAM_RESET_BY_0;
}

static struct setting with_small_reader(const struct setting *setting)
{
	struct setting changed = *setting;

	changed.rcvbuf = 16 * 1024;
	return changed;
}

/* FIN */

static void test_bare_fin(void **state)
{
	for (int first = 0; first < 2; first++) {
		struct scene scene = scene_open(bridge, *state);

		scene_finish(&scene, first);
		scene_expect_fin(&scene, !first);
		scene_send(&scene, !first, 100 * KIB, 0);
		scene_receive_all(&scene, first);
		scene_expect_silence(&scene, first, 20);
		scene_finish(&scene, !first);
		scene_expect_fin(&scene, first);
		scene_close(&scene, STREAM_FINISHED);
	}
}

/* The bytes that the last write leaves behind go into one segment with the FIN. */
static void test_fin_on_last_data(void **state)
{
	static const size_t lengths[] = {1, 1000, 70000, MIB + 1};

	for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (int first = 0; first < 2; first++) {
			struct scene scene = scene_open(bridge, *state);

			scene_send(&scene, first, lengths[i], MSG_MORE);
			scene_finish(&scene, first);
			scene_expect_fin(&scene, !first);
			scene_send(&scene, !first, lengths[i], MSG_MORE);
			scene_finish(&scene, !first);
			scene_expect_fin(&scene, first);
			scene_close(&scene, STREAM_FINISHED);
		}
}

static void test_fin_before_hand_over(void **state)
{
	for (int first = 0; first < 2; first++) {
		struct scene scene = scene_prepare(bridge, *state);

		scene_send(&scene, first, 50 * KIB, MSG_MORE);
		scene_finish(&scene, first);
		usleep(1000);
		scene_start(&scene);
		scene_expect_fin(&scene, !first);
		scene_send(&scene, !first, 300 * KIB, 0);
		scene_finish(&scene, !first);
		scene_expect_fin(&scene, first);
		scene_close(&scene, STREAM_FINISHED);
	}
}

static void test_both_fins_before_hand_over(void **state)
{
	struct scene scene = scene_prepare(bridge, *state);

	for (int i = 0; i < 2; i++) {
		scene_send(&scene, i, 20 * KIB, 0);
		scene_finish(&scene, i);
	}
	scene_start(&scene);
	for (int i = 0; i < 2; i++)
		scene_expect_fin(&scene, i);
	scene_close(&scene, STREAM_FINISHED);
}

/* At the same time, over and over, with the hand-over under way or not. */
static void test_both_fins_at_once(void **state)
{
	enum { SCENES = 40 };
	struct scene scenes[SCENES];

	for (int s = 0; s < SCENES; s++) {
		scenes[s] = scene_prepare(bridge, *state);
		scene_start(&scenes[s]);
		if (s % 2)
			scene_talk(&scenes[s]);
	}
	for (int s = 0; s < SCENES; s++)
		for (int i = 0; i < 2; i++) {
			scene_send(&scenes[s], i, (size_t)s * 5000, 0);
			scene_finish(&scenes[s], i);
		}
	for (int s = 0; s < SCENES; s++)
		for (int i = 0; i < 2; i++)
			scene_expect_fin(&scenes[s], i);
	for (int s = 0; s < SCENES; s++) {
		struct bridge_result result;

		assert_true(bridge_wait(bridge, scenes[s].pair, 5, &result));
	}
	for (int s = 0; s < SCENES; s++)
		scene_close(&scenes[s], STREAM_FINISHED);
}

static void test_fin_while_other_direction_is_blocked(void **state)
{
	for (int first = 0; first < 2; first++) {
		struct scene scene = scene_open(bridge, *state);

		scene_send_until_blocked(&scene, !first);
		scene_send(&scene, first, 200 * KIB, 0);
		scene_finish(&scene, first);
		scene_expect_fin(&scene, !first);
		scene_receive_all(&scene, first);
		scene_finish(&scene, !first);
		scene_expect_fin(&scene, first);
		scene_close(&scene, STREAM_FINISHED);
	}
}

/* The FIN waits behind megabytes that nobody reads yet; it must not push them out. */
static void test_fin_of_blocked_direction(void **state)
{
	const struct setting small = with_small_reader(*state);

	/* The FIN waits at its sender, or with the plane. */
	for (int turn = 0; turn < 2; turn++) {
		struct scene scene = scene_open(bridge, turn ? &small : *state);

		if (turn)
			scene_send_unread(&scene, 1);
		else
			scene_send_until_blocked(&scene, 1);
		scene_finish(&scene, 1);
		usleep(200000);
		scene_expect_fin(&scene, 0);
		scene_finish(&scene, 0);
		scene_expect_fin(&scene, 1);
		scene_close(&scene, STREAM_FINISHED);
	}
}

/* Both are blocked, and both have said FIN, before anybody reads. */
static void test_both_fins_of_blocked_directions(void **state)
{
	const struct setting small = with_small_reader(*state);
	struct scene scene = scene_open(bridge, &small);

	for (int i = 0; i < 2; i++) {
		scene_send_unread(&scene, i);
		scene_finish(&scene, i);
	}
	usleep(200000);
	for (int i = 0; i < 2; i++)
		scene_expect_fin(&scene, i);
	scene_close(&scene, STREAM_FINISHED);
}

static void test_half_close_then_long_answer(void **state)
{
	struct scene scene = scene_open(bridge, *state);
	uint64_t before = scene.received[0];

	scene_send(&scene, 0, 1000, 0);
	scene_finish(&scene, 0);
	scene_expect_fin(&scene, 1);
	usleep(50000);
	struct sender *sender = sender_start(&scene, 1, 10 * MIB);
	scene_receive(&scene, 0, before + 10 * MIB - scene.received[0]);
	sender_join(sender, &scene);
	scene_expect_fin(&scene, 0);
	scene_close(&scene, STREAM_FINISHED);
}

static void test_reader_that_pauses(void **state)
{
	struct scene scene = scene_open(bridge, *state);
	uint64_t before = scene.received[0];

	struct sender *sender = sender_start(&scene, 1, 10 * MIB);
	for (int i = 0; i < 5; i++) {
		usleep(100000);
		scene_receive(&scene, 0, MIB);
	}
	scene_receive(&scene, 0, before + 10 * MIB - scene.received[0]);
	sender_join(sender, &scene);
	scene_expect_fin(&scene, 0);
	scene_finish(&scene, 0);
	scene_expect_fin(&scene, 1);
	scene_close(&scene, STREAM_FINISHED);
}

/*
 * Urgent data (RFC 6093) is bytes like others: none lost, and the reader is not
 * held up by it. Where the kernel's own reader is, for ever, the stream may be
 * reset, but not hang.
 */
static void test_urgent_byte(void **state)
{
	const struct setting *setting = *state;
	bool may_be_reset =
		setting->forwarding == FORWARD_SOCKMAP && quirks_of_this_kernel().stops_at_urgent;

	for (int turn = 0; turn < 4; turn++) {
		struct scene scene =
			turn & 1 ? scene_open(bridge, *state) : scene_prepare(bridge, *state);
		int on = 1;

		setsockopt(scene.far[1], SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
		/* As listeners hand it down: the byte may be there before the stream starts. */
		setsockopt(scene.near[0], SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
		if (!(turn & 1))
			scene_start(&scene);
		if (turn & 2)
			scene_send(&scene, 0, 1000, 0);
		scene_send(&scene, 0, 1, MSG_OOB);
		if (turn & 2)
			usleep(10000);
		scene_send(&scene, 0, 1000, 0);
		scene_send(&scene, 0, 1, MSG_OOB);
		scene_send(&scene, 0, 1000, 0);
		scene_finish(&scene, 0);
		if (may_be_reset && !scene_expect_fin_or_reset(&scene, 1)) {
			scene_close(&scene, STREAM_URGENT);
			continue;
		}
		scene_expect_fin(&scene, 1);
		scene_finish(&scene, 1);
		scene_expect_fin(&scene, 0);
		scene_close(&scene, STREAM_FINISHED);
	}
}

/* And without a FIN that would tell of it. */
static void test_urgent_byte_in_an_open_stream(void **state)
{
	const struct setting *setting = *state;
	struct scene scene = scene_open(bridge, setting);

	scene_send(&scene, 0, 1, MSG_OOB);
	if (setting->forwarding == FORWARD_SOCKMAP && quirks_of_this_kernel().stops_at_urgent) {
		scene_expect_reset(&scene, 1);
		scene_close(&scene, STREAM_URGENT);
		return;
	}
	int on = 1;
	setsockopt(scene.far[1], SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
	scene_receive_all(&scene, 1);
	scene_reset(&scene, 0);
	scene_expect_reset(&scene, 1);
	scene_close(&scene, STREAM_RESET_BY_0);
}

/* RST */

static void test_reset_before_any_byte(void **state)
{
	for (int first = 0; first < 2; first++) {
		struct scene scene = scene_prepare(bridge, *state);

		scene_start(&scene);
		usleep(1000);
		scene_reset(&scene, first);
		scene_expect_reset(&scene, !first);
		scene_close(&scene, reset_by(first));
	}
}

static void test_reset_before_hand_over(void **state)
{
	for (int first = 0; first < 2; first++) {
		struct scene scene = scene_prepare(bridge, *state);

		scene_send(&scene, first, 1000, 0);
		scene_reset(&scene, first);
		scene_start(&scene);
		scene_expect_reset(&scene, !first);
		scene_close(&scene, reset_by(first));
	}
}

static void test_reset_when_quiet(void **state)
{
	for (int first = 0; first < 2; first++) {
		struct scene scene = scene_open(bridge, *state);

		scene_reset(&scene, first);
		scene_expect_reset(&scene, !first);
		scene_close(&scene, reset_by(first));
	}
}

/* By the reader, and by the sender, of a direction that is full. */
static void test_reset_when_blocked(void **state)
{
	for (int first = 0; first < 2; first++)
		for (int from = 0; from < 2; from++) {
			struct scene scene = scene_open(bridge, *state);

			scene_send_until_blocked(&scene, from);
			scene_reset(&scene, first);
			scene_expect_reset(&scene, !first);
			scene_close(&scene, reset_by(first));
		}
}

/* RST by the one who has said FIN, and by the one who has heard it. */
static void test_reset_after_fin(void **state)
{
	for (int first = 0; first < 2; first++)
		for (int breaker = 0; breaker < 2; breaker++) {
			struct scene scene = scene_open(bridge, *state);

			scene_send(&scene, first, 10 * KIB, 0);
			scene_finish(&scene, first);
			scene_expect_fin(&scene, !first);
			scene_reset(&scene, breaker);
			scene_expect_reset(&scene, !breaker);
			scene_close(&scene, reset_by(breaker));
		}
}

/* FIN of a direction that is blocked, then RST by either side. */
static void test_reset_while_draining(void **state)
{
	const struct setting small = with_small_reader(*state);

	for (int first = 0; first < 2; first++)
		for (int breaker = 0; breaker < 2; breaker++) {
			struct scene scene = scene_open(bridge, &small);

			scene_send_unread(&scene, first);
			scene_finish(&scene, first);
			usleep(20000);
			scene_reset(&scene, breaker);
			scene_expect_reset(&scene, !breaker);
			scene_close(&scene, reset_by(breaker));
		}
}

static void test_close_with_unread_data(void **state)
{
	for (int first = 0; first < 2; first++) {
		struct scene scene = scene_open(bridge, *state);
		struct pollfd readable = {.fd = scene.far[first], .events = POLLIN};

		scene_send(&scene, !first, 100 * KIB, 0);
		assert_int_equal(poll(&readable, 1, PATIENCE_MS), 1);
		close(scene.far[first]);
		scene.far[first] = -1;
		scene_expect_reset(&scene, !first);
		scene_close(&scene, reset_by(first));
	}
}

/* close() of one who has read all, while the other still sends: FIN, then RST. */
static void test_close_while_other_sends(void **state)
{
	struct scene scene = scene_open(bridge, *state);
	uint8_t block[4096] = {0};

	close(scene.far[0]);
	scene.far[0] = -1;
	scene_expect_fin(&scene, 1);
	while (send(scene.far[1], block, sizeof(block), MSG_NOSIGNAL) > 0)
		usleep(1000);
	assert_true(errno == EPIPE || errno == ECONNRESET);
	scene_close(&scene, STREAM_RESET_BY_0);
}

/* Time-outs: a plane of their own. */

static struct scene open_scene_with(const struct setting *setting, uint64_t idle, uint64_t drain)
{
	return scene_open(scene_bridge(setting->forwarding, idle, drain), setting);
}

static void close_scene_and_bridge(struct scene *scene, enum stream_end_reason reason)
{
	scene_close(scene, reason);
	bridge_free(scene->bridge);
}

static void test_idle_timeout(void **state)
{
	struct scene scene = open_scene_with(*state, 300 * NS_PER_MS, 0);

	for (int i = 0; i < 10; i++) {
		scene_send(&scene, i % 2, 10, 0);
		scene_receive_all(&scene, !(i % 2));
		usleep(100000);
	}
	for (int i = 0; i < 2; i++)
		scene_expect_reset(&scene, i);
	close_scene_and_bridge(&scene, STREAM_IDLE);
}

/* No FIN, no RST: its machine has lost power. */
static void test_peer_that_vanishes(void **state)
{
	struct scene scene = open_scene_with(*state, 300 * NS_PER_MS, 0);
	int on = 1;

	usleep(100000); /* acknowledgements that are put off would be answered by RST */

	assert_int_equal(setsockopt(scene.far[0], IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)), 0);
	close(scene.far[0]);
	scene.far[0] = -1;
	scene_expect_reset(&scene, 1);
	close_scene_and_bridge(&scene, STREAM_IDLE);
}

/* It begins with the FIN, however long the connection has been open, and without an idle time-out.
 */
static void test_drain_timeout(void **state)
{
	const struct setting small = with_small_reader(*state);
	struct scene scene = open_scene_with(&small, 0, 400 * NS_PER_MS);

	scene_expect_no_reset(&scene, 0, 600);
	scene_send_unread(&scene, 0);
	scene_expect_no_reset(&scene, 0, 600);
	scene_finish(&scene, 0);
	for (int i = 0; i < 2; i++)
		scene_expect_reset(&scene, i);
	close_scene_and_bridge(&scene, STREAM_STALLED);
}

/* A drain that moves, however slowly, goes on. */
static void test_drain_that_is_slow(void **state)
{
	const struct setting small = with_small_reader(*state);
	struct scene scene = open_scene_with(&small, 0, 400 * NS_PER_MS);

	scene_send_unread(&scene, 0);
	scene_finish(&scene, 0);
	for (int i = 0; i < 8; i++) {
		usleep(150000);
		scene_receive(&scene, 1, 200 * KIB);
	}
	scene_expect_fin(&scene, 1);
	scene_finish(&scene, 1);
	scene_expect_fin(&scene, 0);
	close_scene_and_bridge(&scene, STREAM_FINISHED);
}

/* CPU time, not speed: whoever waits for somebody must not ask all the time. */
static void test_no_cpu_while_waiting(void **state)
{
	enum { KINDS = 6, EACH = 3 };
	const struct setting *setting = *state, small = with_small_reader(setting);
	struct bridge *own = scene_bridge(setting->forwarding, 60 * NS_PER_S, 60 * NS_PER_S);
	struct scene scenes[KINDS * EACH];

	for (int s = 0; s < KINDS * EACH; s++) {
		int kind = s % KINDS;

		scenes[s] = scene_open(own, kind == 3 ? &small : setting);
		if (kind == 3)
			scene_send_unread(&scenes[s], 0);
		if (kind == 1 || kind == 2)
			scene_send_until_blocked(&scenes[s], 0);
		if (kind == 2)
			scene_send_until_blocked(&scenes[s], 1);
		if (kind == 3 || kind == 4)
			scene_finish(&scenes[s], 0);
		if (kind == 4)
			scene_expect_fin(&scenes[s], 1);
		if (kind == 5) {
			scene_send(&scenes[s], 0, 1, MSG_OOB);
			scene_send(&scenes[s], 0, 10, 0);
		}
	}
	usleep(500000);
	uint64_t before = bridge_cpu(own);
	sleep(2);
	uint64_t used_ms = (bridge_cpu(own) - before) / NS_PER_MS;
	print_message("# %llu ms of CPU time in 2 s\n", (unsigned long long)used_ms);
	for (int s = 0; s < KINDS * EACH; s++)
		for (int i = 0; i < 2; i++)
			close(scenes[s].far[i]);
	for (int s = 0; s < KINDS * EACH; s++) {
		struct bridge_result result;

		assert_true(bridge_wait(own, scenes[s].pair, 5, &result));
	}
	assert_int_equal(bridge_map_entries(own), 0);
	bridge_free(own);
	assert_true(used_ms < 50);
}

static const struct {
	const char *name;
	CMUnitTestFunction function;
	bool one_family; /* slow, and no address is looked at */
} cases[] = {
	{"bare FIN", test_bare_fin, false},
	{"FIN on the last data", test_fin_on_last_data, false},
	{"FIN before the hand-over", test_fin_before_hand_over, false},
	{"both FINs before the hand-over", test_both_fins_before_hand_over, false},
	{"both FINs at once", test_both_fins_at_once, false},
	{"FIN while the other direction is blocked", test_fin_while_other_direction_is_blocked,
	 true},
	{"FIN of a blocked direction", test_fin_of_blocked_direction, true},
	{"both FINs of blocked directions", test_both_fins_of_blocked_directions, true},
	{"half-close, then a long answer", test_half_close_then_long_answer, false},
	{"a reader that pauses", test_reader_that_pauses, true},
	{"urgent bytes", test_urgent_byte, false},
	{"an urgent byte in an open stream", test_urgent_byte_in_an_open_stream, true},
	{"RST before any byte", test_reset_before_any_byte, false},
	{"RST before the hand-over", test_reset_before_hand_over, false},
	{"RST when quiet", test_reset_when_quiet, false},
	{"RST when blocked", test_reset_when_blocked, true},
	{"RST after FIN", test_reset_after_fin, false},
	{"RST while draining", test_reset_while_draining, true},
	{"close() with unread data", test_close_with_unread_data, false},
	{"close() while the other side sends", test_close_while_other_sends, false},
	{"idle time-out", test_idle_timeout, true},
	{"a peer that vanishes", test_peer_that_vanishes, true},
	{"drain time-out", test_drain_timeout, true},
	{"a slow drain", test_drain_that_is_slow, true},
	{"no CPU time while waiting", test_no_cpu_while_waiting, true},
};
#define CASES        (sizeof(cases) / sizeof(cases[0]))
#define SETTINGS_MAX 3
#define GROUPS_MAX   3

/* What a failed test has left would fail all that follow. */
static int clean_up(void **state)
{
	const struct setting *setting = *state;

	senders_stop(state);
	if (bridge_running(bridge) == 0)
		return 0;
	bridge_free(bridge);
	descriptors_before = scene_descriptors();
	bridge = scene_bridge(setting->forwarding, 60 * NS_PER_S, 60 * NS_PER_S);
	return 0;
}

static int open_group(enum stream_forwarding forwarding)
{
	/* What libraries open once for the process is open after the first. */
	bridge_free(scene_bridge(forwarding, 0, 0));
	descriptors_before = scene_descriptors();
	bridge = scene_bridge(forwarding, 60 * NS_PER_S, 60 * NS_PER_S);
	return 0;
}

static void test_nothing_is_left(void **state)
{
	(void)state;
	assert_int_equal(bridge_map_entries(bridge), 0);
	bridge_free(bridge);
	bridge = NULL;
	assert_int_equal(scene_descriptors(), descriptors_before);
}

static int run_group(const struct setting *settings, size_t n_settings)
{
	struct CMUnitTest tests[SETTINGS_MAX * CASES + 1] = {0};
	static char names[SETTINGS_MAX * CASES][80];
	size_t n = 0;

	/* Other families are another way through the kernel only for the sockmap. */
	if (is_scaled() && settings->forwarding != FORWARD_SOCKMAP)
		n_settings = 1;
	for (size_t s = 0; s < n_settings; s++)
		for (size_t c = 0; c < CASES; c++) {
			if (s > 0 && cases[c].one_family)
				continue;
			snprintf(names[n], sizeof(names[n]), "%s: %s", settings[s].name,
				 cases[c].name);
			tests[n] = (struct CMUnitTest){names[n], cases[c].function, NULL, clean_up,
						       (void *)(uintptr_t)&settings[s]};
			n++;
		}
	tests[n++] = (struct CMUnitTest){"nothing is left", test_nothing_is_left, NULL, NULL, NULL};
	if (open_group(settings->forwarding) != 0)
		return 1;
	return _cmocka_run_group_tests(settings->name, tests, n, NULL, NULL);
}

/*
 * Each group in a process of its own, all at the same time: they spend their
 * time waiting. What they say is told in order. Returns how many failed.
 */
static int run_groups(const struct setting (*settings)[SETTINGS_MAX], size_t n_groups)
{
	pid_t children[GROUPS_MAX];
	FILE *outputs[GROUPS_MAX];
	int failed = 0;

	for (size_t group = 0; group < n_groups; group++) {
		outputs[group] = tmpfile();
		children[group] = outputs[group] ? fork() : -1;
		if (children[group] == 0) {
			dup2(fileno(outputs[group]), STDOUT_FILENO);
			dup2(fileno(outputs[group]), STDERR_FILENO);
			exit(run_group(settings[group], SETTINGS_MAX) ? 1 : 0);
		}
	}
	for (size_t group = 0; group < n_groups; group++) {
		char text[4096];
		int status = 1;
		size_t n;

		if (children[group] > 0)
			waitpid(children[group], &status, 0);
		failed += status != 0;
		if (!outputs[group])
			continue;
		rewind(outputs[group]);
		while ((n = fread(text, 1, sizeof(text), outputs[group])) > 0)
			fwrite(text, 1, n, stdout);
		fclose(outputs[group]);
	}
	return failed;
}

int main(void)
{
	static const struct setting settings[GROUPS_MAX][SETTINGS_MAX] = {
		{{FORWARD_COPY, AF_INET, false, "copy, IPv4", 0},
		 {FORWARD_COPY, AF_INET6, false, "copy, IPv6", 0},
		 {FORWARD_COPY, AF_INET6, true, "copy, IPv4-mapped", 0}},
		{{FORWARD_SPLICE, AF_INET, false, "splice, IPv4", 0},
		 {FORWARD_SPLICE, AF_INET6, false, "splice, IPv6", 0},
		 {FORWARD_SPLICE, AF_INET6, true, "splice, IPv4-mapped", 0}},
		{{FORWARD_SOCKMAP, AF_INET, false, "sockmap, IPv4", 0},
		 {FORWARD_SOCKMAP, AF_INET6, false, "sockmap, IPv6", 0},
		 {FORWARD_SOCKMAP, AF_INET6, true, "sockmap, IPv4-mapped", 0}},
	};

	signal(SIGPIPE, SIG_IGN);
	return run_groups(settings, GROUPS_MAX) ? 1 : 0;
}
