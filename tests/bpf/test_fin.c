// SPDX-License-Identifier: BSD-2-Clause
/*
 * FIN at every point, on each path of the plane and with each address family:
 * never before the last byte.
 */
#include "tests/bpf/lib/group.h"
#include "tests/bpf/lib/scene.h"
#include "tests/bpf/lib/sender.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define KIB 1024ull
#define MIB (1024 * KIB)

static void test_bare_fin(void **state)
{
	for (int first = 0; first < 2; first++) {
		struct scene scene = scene_open(group_bridge(), *state);

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
			struct scene scene = scene_open(group_bridge(), *state);

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
		struct scene scene = scene_prepare(group_bridge(), *state);

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
	struct scene scene = scene_prepare(group_bridge(), *state);

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
		scenes[s] = scene_prepare(group_bridge(), *state);
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

		assert_true(bridge_wait(group_bridge(), scenes[s].pair, 5, &result));
	}
	for (int s = 0; s < SCENES; s++)
		scene_close(&scenes[s], STREAM_FINISHED);
}

static void test_fin_while_other_direction_is_blocked(void **state)
{
	for (int first = 0; first < 2; first++) {
		struct scene scene = scene_open(group_bridge(), *state);

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
	const struct setting small = setting_with_small_reader(*state);

	/* The FIN waits at its sender, or with the plane. */
	for (int turn = 0; turn < 2; turn++) {
		struct scene scene = scene_open(group_bridge(), turn ? &small : *state);

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
	const struct setting small = setting_with_small_reader(*state);
	struct scene scene = scene_open(group_bridge(), &small);

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
	struct scene scene = scene_open(group_bridge(), *state);
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
	struct scene scene = scene_open(group_bridge(), *state);
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

int main(void)
{
	static const struct group_case cases[] = {
		{"bare FIN", test_bare_fin, false},
		{"FIN on the last data", test_fin_on_last_data, false},
		{"FIN before the hand-over", test_fin_before_hand_over, false},
		{"both FINs before the hand-over", test_both_fins_before_hand_over, false},
		{"both FINs at once", test_both_fins_at_once, false},
		{"FIN while the other direction is blocked",
		 test_fin_while_other_direction_is_blocked, true},
		{"FIN of a blocked direction", test_fin_of_blocked_direction, true},
		{"both FINs of blocked directions", test_both_fins_of_blocked_directions, true},
		{"half-close, then a long answer", test_half_close_then_long_answer, false},
		{"a reader that pauses", test_reader_that_pauses, true},
	};

	return groups_run(cases, sizeof(cases) / sizeof(cases[0]));
}
