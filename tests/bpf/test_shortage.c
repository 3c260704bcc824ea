// SPDX-License-Identifier: BSD-2-Clause
/*
 * TCP is short of memory, says user/plane/load_watch.c, in whose place this
 * stands: a stream has to leave the sockmap, whoever does not read, and neither
 * direction may wait for the other.
 */
#include "tests/bpf/lib/scene.h"
#include "user/plane/load_watch.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include <cmocka.h>

#define KIB 1024

static _Atomic bool memory_is_short;

int load_percent(struct load_watch *watch, uint64_t now)
{
	(void)watch, (void)now;
	return 0;
}

bool tcp_memory_is_short(struct load_watch *watch, uint64_t now)
{
	(void)watch, (void)now;
	return atomic_load(&memory_is_short);
}

bool tcp_memory_is_short_now(struct load_watch *watch, uint64_t now)
{
	return tcp_memory_is_short(watch, now);
}

static const struct setting setting = {
	.forwarding = FORWARD_SOCKMAP, .family = AF_INET, .name = "sockmap", .rcvbuf = 64 * KIB};

static int open_bridge(void **state)
{
	atomic_store(&memory_is_short, false);
	*state = scene_bridge(FORWARD_SOCKMAP, 0, 0);
	return *state ? 0 : -1;
}

static int close_bridge(void **state)
{
	bridge_free(*state);
	return 0;
}

static void expect_unread_both_ways(struct bridge *bridge, const struct scene *scene)
{
	struct bridge_result result;

	bridge_look(bridge, scene->pair, &result);
	assert_true(result.used_sockmap);
	assert_true(result.unread[0] > 0);
	assert_true(result.unread[1] > 0);
}

/* Each direction's target has unread passed bytes of the other, which is blocked. */
static void one_side_reads_first(void **state)
{
	struct scene scene = scene_open(*state, &setting);
	struct bridge_result result;

	scene_send_until_blocked(&scene, 0);
	scene_send_until_blocked(&scene, 1);
	expect_unread_both_ways(*state, &scene);
	atomic_store(&memory_is_short, true);
	/* Like a server that takes all before anybody takes its answer. */
	scene_receive_all(&scene, 1);
	scene_receive_all(&scene, 0);
	bridge_look(*state, scene.pair, &result);
	assert_true(result.used_splice);
	scene_send(&scene, 0, 100 * KIB, 0);
	scene_receive_all(&scene, 1);
	scene_finish(&scene, 0);
	scene_finish(&scene, 1);
	scene_expect_fin(&scene, 1);
	scene_expect_fin(&scene, 0);
	scene_close(&scene, STREAM_FINISHED);
}

/* The FINs wait behind bytes that were passed. */
static void fin_while_blocked(void **state)
{
	struct scene scene = scene_open(*state, &setting);

	scene_send_until_blocked(&scene, 0);
	scene_send_until_blocked(&scene, 1);
	expect_unread_both_ways(*state, &scene);
	scene_finish(&scene, 0);
	scene_finish(&scene, 1);
	atomic_store(&memory_is_short, true);
	scene_expect_fin(&scene, 1);
	scene_expect_fin(&scene, 0);
	scene_close(&scene, STREAM_FINISHED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_side_reads_first, open_bridge, close_bridge),
		cmocka_unit_test_setup_teardown(fin_while_blocked, open_bridge, close_bridge),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
