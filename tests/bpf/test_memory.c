// SPDX-License-Identifier: BSD-2-Clause
/*
 * A reader that stops. What the plane holds for its direction stays within
 * the bound of the settings, the sender is held back, others do not notice,
 * and all arrives when the reader goes on.
 */
#include "tests/bpf/lib/scale.h"
#include "tests/bpf/lib/scene.h"
#include "tests/bpf/lib/sender.h"
#include "user/plane/sockmap/account.h"
#include "user/plane/sockmap/quirks.h"

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define KIB    1024ull
#define MIB    (1024 * KIB)
#define MEMORY (4 * MIB)
/* One segment more than the limit may be under way in each of the two sockets. */
#define SLACK      (128 * KIB)
#define BEYOND     (512 * KIB)
#define CROWD_MOST 50

/*
 * What may come where passed bytes go through the kernel's worker, before it has
 * charged them to the socket: a window, half of the receive buffer. For a moment
 * only; see most_beyond().
 */
#define WINDOW ((MEMORY - BEYOND) / 4)

/* What is held of the direction outside → inside. */
struct held {
	uint64_t buffers; /* memory charged to the two sockets of the plane */
	uint64_t beyond;  /* bytes in neither: with the plane itself, or with the kernel's worker */
};

/* Of the test that runs. */
static struct bridge *bridge;

/*
 * An emulated guest of 4 GiB would run short of memory for TCP, of which other tests tell. And
 * before 6.1.32 the sender is not told that its reader has gone on: it asks, after a while that
 * doubles as long as it is stopped, so that the last of many would be read for minutes.
 */
static int crowd(void)
{
	if (quirks_of_this_kernel().passes_out_of_order)
		return 2;
	return is_scaled() ? 6 : CROWD_MOST;
}

/* More than all buffers between the sender and the reader hold. */
static uint64_t long_enough(uint64_t bytes)
{
	uint64_t part = scaled(bytes);

	return part > 16 * MIB ? part : 16 * MIB;
}

static uint32_t memory_of(int fd, int what)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t length = sizeof(info);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &length), 0);
	return info[what];
}

/*
 * Bytes that may be beyond the buffers, at rest or while they move. Where the
 * program cannot know what the kernel's worker has, nothing bounds what comes
 * while the worker waits for a processor: docs/kernel.md, "Older kernels".
 */
static uint64_t most_beyond(const struct setting *setting, bool at_rest)
{
	struct kernel_quirks quirks = quirks_of_this_kernel();
	bool by_map = setting->forwarding == FORWARD_SOCKMAP || setting->forwarding == FORWARD_AUTO;

	if (!quirks.passes_out_of_order || !by_map)
		return BEYOND;
	if (!quirks.worker_locks)
		return UINT64_MAX;
	return at_rest ? BEYOND : BEYOND + WINDOW;
}

/* Before any byte, so that later sums can be compared with each other. */
static uint64_t baseline(const struct scene *scene)
{
	struct account_in in;
	uint64_t taken;

	assert_int_equal(account_received(scene->near[0], &in), 0);
	assert_int_equal(account_taken_exactly(scene->near[1], &taken), 0);
	return taken - in.received;
}

/*
 * Bytes in the receive buffer. FIONREAD tells of them only outside of the
 * sockmap: inside, each series of the kernel counts others (docs/kernel.md).
 */
static uint64_t unread_of(const struct scene *scene, uint64_t received)
{
	struct bridge_result result;
	int unread;

	if (scene->pair < 0) {
		assert_int_equal(ioctl(scene->near[0], FIONREAD, &unread), 0);
		return (uint64_t)unread;
	}
	bridge_look(bridge, scene->pair, &result);
	uint64_t all = received - result.read[0] - result.kernel_bytes[0];
	if (!quirks_of_this_kernel().passes_out_of_order)
		return all;
	/* What waits for the worker is charged to nobody. */
	uint64_t charged = memory_of(scene->near[0], SK_MEMINFO_RMEM_ALLOC);
	return result.unread[0] > charged ? all - (result.unread[0] - charged) : all;
}

/* False: bytes have moved meanwhile, and those would be counted at two places, or at none. */
static bool look(const struct scene *scene, uint64_t base, struct held *ret)
{
	struct account_in before, after;
	uint64_t taken, still_taken;

	assert_int_equal(account_received(scene->near[0], &before), 0);
	assert_int_equal(account_taken_exactly(scene->near[1], &taken), 0);
	uint64_t unread = unread_of(scene, before.received);
	assert_int_equal(account_taken_exactly(scene->near[1], &still_taken), 0);
	assert_int_equal(account_received(scene->near[0], &after), 0);
	*ret = (struct held){
		.buffers = (uint64_t)memory_of(scene->near[0], SK_MEMINFO_RMEM_ALLOC) +
			   memory_of(scene->near[1], SK_MEMINFO_WMEM_QUEUED),
		.beyond = after.received - unread - (taken - base),
	};
	return before.received == after.received && taken == still_taken;
}

/* Of a direction that has stopped. */
static struct held look_at_rest(const struct scene *scene, uint64_t base)
{
	struct held held;

	for (uint64_t tries = 0; !look(scene, base, &held); tries++) {
		if (tries >= patience(200))
			fail_msg("the direction has not stopped");
		usleep(10000);
	}
	return held;
}

static uint64_t resident(void)
{
	unsigned long long total, pages;
	FILE *file = fopen("/proc/self/statm", "r");

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%llu %llu", &total, &pages), 2);
	fclose(file);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static const struct setting settings[] = {
	{FORWARD_COPY, AF_INET, false, "copy", 0},
	{FORWARD_SPLICE, AF_INET, false, "splice", 0},
	{FORWARD_SOCKMAP, AF_INET, false, "sockmap", 0},
	{FORWARD_AUTO, AF_INET, false, "auto", 0},
};

static void test_reader_that_stops(void **state)
{
	const struct setting *setting = *state;
	bridge = scene_bridge(setting->forwarding, 0, 0);
	struct scene scene = scene_prepare(bridge, setting);
	uint64_t base = baseline(&scene);
	struct held most = {0};

	scene_start(&scene);
	scene_talk(&scene);
	uint64_t bytes = long_enough(200 * MIB);
	struct sender *sender = sender_start(&scene, 0, bytes);
	scene_receive(&scene, 1, MIB);
	int stills = 0;
	for (int i = 0, looks = is_scaled() ? 150 : 500; i < looks; i++) {
		struct held held;
		bool still = look(&scene, base, &held);

		most.buffers = held.buffers > most.buffers ? held.buffers : most.buffers;
		if (i >= 10 && still)
			most.beyond = held.beyond > most.beyond ? held.beyond : most.beyond;
		stills += i >= 10 && still;
		usleep(10000);
	}
	assert_true(stills >= 50);
	struct held rest = look_at_rest(&scene, base);
	scene_receive(&scene, 1, bytes - MIB);
	sender_join(sender, &scene);
	scene_expect_fin(&scene, 1);
	scene_finish(&scene, 1);
	scene_expect_fin(&scene, 0);
	scene_close(&scene, STREAM_FINISHED);
	print_message("# %s: %llu KiB in socket buffers, %llu KiB beyond them, %llu KiB at rest\n",
		      setting->name, (unsigned long long)(most.buffers / KIB),
		      (unsigned long long)(most.beyond / KIB),
		      (unsigned long long)(rest.beyond / KIB));
	assert_true(most.buffers <= MEMORY - BEYOND + SLACK);
	assert_true(most.beyond <= most_beyond(setting, false));
	assert_true(rest.beyond <= most_beyond(setting, true));
}

/* Many of them, while two others talk. */
static void test_crowd_of_stopped_readers(void **state)
{
	const struct setting *setting = *state;
	struct setting small = *setting;
	bridge = scene_bridge(setting->forwarding, 0, 0);
	struct scene scenes[CROWD_MOST], talkers = scene_open(bridge, setting);
	struct sender *senders[CROWD_MOST];
	uint64_t bases[CROWD_MOST], before = resident(), worst = 0, most = 0;
	struct held sum = {0};
	unsigned turns = 0, least = is_scaled() ? 20 : 100;
	const uint64_t duration = (is_scaled() ? 2 : 5) * NS_PER_S;
	const int n = crowd();

	small.rcvbuf = 64 * KIB;
	for (int s = 0; s < n; s++) {
		scenes[s] = scene_prepare(bridge, &small);
		bases[s] = baseline(&scenes[s]);
		scene_start(&scenes[s]);
	}
	for (int s = 0; s < n; s++)
		senders[s] = sender_start(&scenes[s], 0, 12 * MIB);
	for (uint64_t end = clock_now() + duration, now; (now = clock_now()) < end || turns < least;
	     turns++) {
		for (int i = 0; i < 2; i++) {
			scene_send(&talkers, i, 100, 0);
			scene_receive_all(&talkers, !i);
		}
		uint64_t took = clock_now() - now;
		/* The first second is that of the crowd's bytes. */
		if (now > end - duration + NS_PER_S && took > worst)
			worst = took;
		usleep(1000);
	}
	for (int s = 0; s < n; s++) {
		struct held held = look_at_rest(&scenes[s], bases[s]);

		sum.buffers += held.buffers;
		sum.beyond += held.beyond;
		most = held.beyond > most ? held.beyond : most;
	}
	uint64_t grown = resident() - before;
	print_message("# %s: %llu KiB in socket buffers, %llu KiB beyond them, %llu KiB of the "
		      "process; %u turns of the talkers, the slowest took %llu us\n",
		      setting->name, (unsigned long long)(sum.buffers / KIB),
		      (unsigned long long)(sum.beyond / KIB), (unsigned long long)(grown / KIB),
		      turns, (unsigned long long)(worst / 1000));
	for (int s = 0; s < n; s++) {
		scene_receive(&scenes[s], 1, 12 * MIB);
		sender_join(senders[s], &scenes[s]);
		scene_expect_fin(&scenes[s], 1);
		scene_finish(&scenes[s], 1);
		scene_expect_fin(&scenes[s], 0);
	}
	scene_finish(&talkers, 0);
	scene_expect_fin(&talkers, 1);
	scene_finish(&talkers, 1);
	scene_expect_fin(&talkers, 0);
	for (int s = 0; s < n; s++) {
		struct bridge_result result;

		assert_true(bridge_wait(bridge, scenes[s].pair, 5, &result));
	}
	struct bridge_result result;
	assert_true(bridge_wait(bridge, talkers.pair, 5, &result));
	for (int s = 0; s < n; s++)
		scene_close(&scenes[s], STREAM_FINISHED);
	scene_close(&talkers, STREAM_FINISHED);
	assert_true(sum.buffers <= (uint64_t)n * (MEMORY - BEYOND + SLACK));
	assert_true(most <= most_beyond(setting, true));
	assert_true(grown <= (uint64_t)n * BEYOND);
	/* Not a speed: blocked neighbours must not make a turn wait for their time-outs. */
	assert_true(worst < longer(NS_PER_S));
}

/* Whether the test has failed or not: what it holds of TCP's memory would be missing in the next.
 */
static int clean_up(void **state)
{
	senders_stop(state);
	bridge_free(bridge);
	bridge = NULL;
	return 0;
}

int main(void)
{
	struct CMUnitTest tests[2 * sizeof(settings) / sizeof(settings[0])] = {0};
	static char names[sizeof(tests) / sizeof(tests[0])][80];
	size_t n = 0;

	signal(SIGPIPE, SIG_IGN);
	/* A page of 2 MiB for the stack of a thread, as chance has it, is none of the plane's. */
	if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) < 0)
		return 1;
	for (size_t s = 0; s < sizeof(settings) / sizeof(settings[0]); s++)
		for (int many = 0; many < 2; many++) {
			snprintf(names[n], sizeof(names[n]), "%s: %s", settings[s].name,
				 many ? "many readers that stop" : "a reader that stops");
			tests[n].name = names[n];
			tests[n].test_func =
				many ? test_crowd_of_stopped_readers : test_reader_that_stops;
			tests[n].teardown_func = clean_up;
			tests[n++].initial_state = (void *)(uintptr_t)&settings[s];
		}
	return _cmocka_run_group_tests("memory", tests, n, NULL, NULL);
}
