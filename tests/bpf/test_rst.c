// SPDX-License-Identifier: BSD-2-Clause
/*
 * RST and close() at every point, on each path of the plane and with each
 * address family: an end crosses as what it is.
 */
#include "tests/bpf/lib/group.h"
#include "tests/bpf/lib/scale.h"
#include "tests/bpf/lib/scene.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define KIB 1024ull

#define PATIENCE_MS 5000

static enum stream_end_reason reset_by(int side)
{
	return side ? STREAM_RESET_BY_1 : STREAM_RESET_BY_0;
}

static void test_reset_before_any_byte(void **state)
{
	for (int first = 0; first < 2; first++) {
		struct scene scene = scene_prepare(group_bridge(), *state);

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
		struct scene scene = scene_prepare(group_bridge(), *state);

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
		struct scene scene = scene_open(group_bridge(), *state);

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
			struct scene scene = scene_open(group_bridge(), *state);

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
			struct scene scene = scene_open(group_bridge(), *state);

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
	const struct setting small = setting_with_small_reader(*state);

	for (int first = 0; first < 2; first++)
		for (int breaker = 0; breaker < 2; breaker++) {
			struct scene scene = scene_open(group_bridge(), &small);

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
		struct scene scene = scene_open(group_bridge(), *state);
		struct pollfd readable = {.fd = scene.far[first], .events = POLLIN};

		scene_send(&scene, !first, 100 * KIB, 0);
		assert_int_equal(poll(&readable, 1, (int)patience(PATIENCE_MS)), 1);
		close(scene.far[first]);
		scene.far[first] = -1;
		scene_expect_reset(&scene, !first);
		scene_close(&scene, reset_by(first));
	}
}

/* close() of one who has read all, while the other still sends: FIN, then RST. */
static void test_close_while_other_sends(void **state)
{
	struct scene scene = scene_open(group_bridge(), *state);
	uint8_t block[4096] = {0};

	close(scene.far[0]);
	scene.far[0] = -1;
	scene_expect_fin(&scene, 1);
	while (send(scene.far[1], block, sizeof(block), MSG_NOSIGNAL) > 0)
		usleep(1000);
	assert_true(errno == EPIPE || errno == ECONNRESET);
	scene_close(&scene, STREAM_RESET_BY_0);
}

int main(void)
{
	static const struct group_case cases[] = {
		{"RST before any byte", test_reset_before_any_byte, false},
		{"RST before the hand-over", test_reset_before_hand_over, false},
		{"RST when quiet", test_reset_when_quiet, false},
		{"RST when blocked", test_reset_when_blocked, true},
		{"RST after FIN", test_reset_after_fin, false},
		{"RST while draining", test_reset_while_draining, true},
		{"close() with unread data", test_close_with_unread_data, false},
		{"close() while the other side sends", test_close_while_other_sends, false},
	};

	return groups_run(cases, sizeof(cases) / sizeof(cases[0]));
}
