// SPDX-License-Identifier: BSD-2-Clause
/* Peers that say nothing any more, and what waiting for them costs. */
#include "tests/bpf/lib/group.h"
#include "tests/bpf/lib/scale.h"
#include "tests/bpf/lib/scene.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define KIB 1024ull

/* With a plane of its own, whose times are short, in milliseconds of a quiet machine. */
static struct scene open_scene_with(const struct setting *setting, uint64_t idle, uint64_t drain)
{
	return scene_open(scene_bridge(setting->forwarding, longer(idle * NS_PER_MS),
				       longer(drain * NS_PER_MS)),
			  setting);
}

/* In the same milliseconds. */
static void wait_ms(uint64_t ms)
{
	usleep((useconds_t)longer(ms * 1000));
}

static void expect_no_reset(struct scene *scene, int at, uint64_t ms)
{
	scene_expect_no_reset(scene, at, (int)longer(ms));
}

static void close_scene_and_bridge(struct scene *scene, enum stream_end_reason reason)
{
	scene_close(scene, reason);
	bridge_free(scene->bridge);
}

static void test_idle_timeout(void **state)
{
	struct scene scene = open_scene_with(*state, 300, 0);

	for (int i = 0; i < 10; i++) {
		scene_send(&scene, i % 2, 10, 0);
		scene_receive_all(&scene, !(i % 2));
		wait_ms(100);
	}
	for (int i = 0; i < 2; i++)
		scene_expect_reset(&scene, i);
	close_scene_and_bridge(&scene, STREAM_IDLE);
}

/* No FIN, no RST: its machine has lost power. */
static void test_peer_that_vanishes(void **state)
{
	struct scene scene = open_scene_with(*state, 300, 0);
	int on = 1;

	wait_ms(100); /* acknowledgements that are put off would be answered by RST */

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
	const struct setting small = setting_with_small_reader(*state);
	struct scene scene = open_scene_with(&small, 0, 400);

	expect_no_reset(&scene, 0, 600);
	scene_send_unread(&scene, 0);
	expect_no_reset(&scene, 0, 600);
	scene_finish(&scene, 0);
	for (int i = 0; i < 2; i++)
		scene_expect_reset(&scene, i);
	close_scene_and_bridge(&scene, STREAM_STALLED);
}

/* To stand still before the FIN is allowed for longer, and does not count afterwards. */
static void test_stand_still_before_the_drain(void **state)
{
	const struct setting small = setting_with_small_reader(*state);
	/* Looked at after 1.2, 1.8 and 2.4 s: the FIN comes shortly before the last of them, and
	 * between two of the probes that let some more bytes through. */
	struct scene scene = open_scene_with(&small, 1200, 500);

	scene_send_unread(&scene, 0);
	expect_no_reset(&scene, 0, 2000);
	scene_finish(&scene, 0);
	expect_no_reset(&scene, 0, 420);
	for (int i = 0; i < 2; i++)
		scene_expect_reset(&scene, i);
	close_scene_and_bridge(&scene, STREAM_STALLED);
}

/* A drain that moves, however slowly, goes on. */
static void drain(const struct setting *setting, int sips, uint64_t pause_ms, uint64_t sip)
{
	const struct setting small = setting_with_small_reader(setting);
	struct scene scene = open_scene_with(&small, 0, 400);

	scene_send_unread(&scene, 0);
	scene_finish(&scene, 0);
	for (int i = 0; i < sips; i++) {
		wait_ms(pause_ms);
		scene_receive(&scene, 1, sip);
	}
	scene_expect_fin(&scene, 1);
	scene_finish(&scene, 1);
	scene_expect_fin(&scene, 0);
	close_scene_and_bridge(&scene, STREAM_FINISHED);
}

static void test_drain_that_is_slow(void **state)
{
	drain(*state, 8, 150, 200 * KIB);
}

/* So little at a time that the kernel announces no room. */
static void test_drain_by_sips(void **state)
{
	drain(*state, 20, 100, 16 * KIB);
}

/* CPU time, not speed: whoever waits for somebody must not ask all the time. */
static void test_no_cpu_while_waiting(void **state)
{
	enum { KINDS = 6, EACH = 3 };
	const struct setting *setting = *state, small = setting_with_small_reader(setting);
	/* One group at a time, and all open before any is filled: while TCP is short of memory,
	 * which a small machine then is, no stream enters the sockmap. */
	int turn = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(turn, LOCK_EX), 0);
	struct bridge *own = scene_bridge(setting->forwarding, 60 * NS_PER_S, 60 * NS_PER_S);
	struct scene scenes[KINDS * EACH];

	for (int s = 0; s < KINDS * EACH; s++)
		scenes[s] = scene_open(own, s % KINDS == 3 ? &small : setting);
	for (int s = 0; s < KINDS * EACH; s++) {
		int kind = s % KINDS;

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
	close(turn);
	assert_true(used_ms < 50);
}

int main(void)
{
	static const struct group_case cases[] = {
		{"idle time-out", test_idle_timeout, true},
		{"a peer that vanishes", test_peer_that_vanishes, true},
		{"drain time-out", test_drain_timeout, true},
		{"a slow drain", test_drain_that_is_slow, true},
		{"a drain by sips", test_drain_by_sips, true},
		{"a stand-still before the drain", test_stand_still_before_the_drain, true},
		{"no CPU time while waiting", test_no_cpu_while_waiting, true},
	};

	return groups_run(cases, sizeof(cases) / sizeof(cases[0]));
}
