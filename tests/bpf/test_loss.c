// SPDX-License-Identifier: BSD-2-Clause
/*
 * Lost packets, and retransmissions that overlap what has been delivered. The
 * kernel's tcp_read_skb() (6.0 and later) gives the program such an skb from
 * its start; without the trimming the stream would carry bytes twice.
 */
#include "tests/bpf/lib/load.h"
#include "tests/bpf/lib/lossy.h"
#include "tests/bpf/lib/scale.h"
#include "user/plane/sockmap/overlap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cmocka.h>

#define KIB 1024ull
#define MIB (1024 * KIB)

static struct bridge *open_bridge(bool no_trimming, uint32_t budget)
{
	struct bridge_options options = {
		.plane = {.forwarding = FORWARD_SOCKMAP, .kernel_budget = budget},
		.no_trimming = no_trimming,
	};
	struct bridge *bridge = bridge_new(&options);

	assert_non_null(bridge);
	return bridge;
}

static void show(const char *error, const struct bridge_result *result)
{
	print_message("# in the kernel %llu + %llu, spills %u + %u, overlaps %u + %u: %s\n",
		      (unsigned long long)result->kernel_bytes[0],
		      (unsigned long long)result->kernel_bytes[1], result->spills[0],
		      result->spills[1], result->overlaps[0], result->overlaps[1],
		      error ? error : "every byte once");
}

static void lose(unsigned per_thousand, const char *sack)
{
	assert_int_equal(lossy_sysctl("net/ipv4/tcp_sack", sack), 0);
	assert_int_equal(lossy_drop(per_thousand), 0);
}

static void test_random_loss(void **state)
{
	const unsigned *per_thousand = *state;
	const struct load load = {
		.bytes = {2 * MIB, 2 * MIB}, .write_min = 1, .write_max = 16 * KIB};
	struct bridge *bridge = open_bridge(false, 256 * KIB);
	struct bridge_result result;

	lose(*per_thousand, "1");
	const char *error = load_run_many(bridge, &load, 4, &result);
	lose(0, "1");
	show(error, &result);
	bridge_free(bridge);
	if (error)
		fail_msg("%s", error);
}

/* Small writes and no SACK: the sender merges what it has to send again. */
static const char *merge_and_repeat(bool no_trimming, unsigned seed, struct bridge_result *ret)
{
	const struct load load = {.bytes = {2 * MIB, 0},
				  .write_min = 8,
				  .write_max = 320,
				  /* Bytes that came twice leave others that never come. */
				  .patience_s = no_trimming ? 5 : (unsigned)patience(15),
				  .seed = seed};
	struct bridge *bridge = open_bridge(no_trimming, 256 * KIB);

	lose(20, "0");
	const char *error = load_run_many(bridge, &load, 8, ret);
	lose(0, "1");
	show(error, ret);
	bridge_free(bridge);
	return error;
}

static bool hands_over_whole_skbs(void)
{
	struct utsname name;
	unsigned major = 0;

	uname(&name);
	return sscanf(name.release, "%u", &major) == 1 && major >= 6;
}

/* How many overlaps a run meets is up to chance: on a kernel that can have them, run until one
 * came. */
#define RUNS 8

static void test_overlaps_are_trimmed(void **state)
{
	struct bridge_result result;
	unsigned overlaps = 0;

	(void)state;
	for (unsigned run = 0; run < (hands_over_whole_skbs() ? RUNS : 1) && !overlaps; run++) {
		const char *error = merge_and_repeat(false, run, &result);
		if (error)
			fail_msg("%s", error);
		overlaps += result.overlaps[0];
	}
	if (hands_over_whole_skbs())
		assert_true(overlaps > 0);
}

/* The test above proves something only if the same load goes wrong without the cure. */
static void test_without_trimming_bytes_come_twice(void **state)
{
	struct bridge_result result;
	const char *error = NULL;

	(void)state;
	if (!hands_over_whole_skbs())
		return;
	for (unsigned run = 0; run < RUNS && !error; run++)
		error = merge_and_repeat(true, run, &result);
	assert_non_null(error);
}

/* One overlap at a chosen place, by a segment past the sender's TCP. */
static void test_one_overlap(void **state)
{
	struct bridge *bridge = open_bridge(false, 256 * KIB);
	const struct load load = {0};
	int near[2], far[2];
	char got[64];
	struct bridge_result result;

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(load_connect(&load, &near[i], &far[i]), 0);
	int pair = bridge_add(bridge, near[0], near[1]);
	/* Some turns, until the direction is with the kernel: that it has moved bytes shows it. */
	result = (struct bridge_result){0};
	for (int i = 0; i < 500 && result.kernel_bytes[0] == 0; i++) {
		assert_int_equal(send(far[0], "0123456789", 10, 0), 10);
		assert_int_equal(recv(far[1], got, 10, MSG_WAITALL), 10);
		usleep(20000);
		bridge_look(bridge, pair, &result);
	}
	uint64_t before = result.kernel_bytes[0];
	assert_true(before > 0);
	assert_int_equal(overlap_send(far[0], "456789abcdef", 12, 6), 0);
	assert_int_equal(recv(far[1], got, 6, MSG_WAITALL), 6);
	assert_memory_equal(got, "abcdef", 6);
	bridge_look(bridge, pair, &result);
	assert_int_equal(result.overlaps[0], 1);
	assert_int_equal(result.kernel_bytes[0], before + 6);
	/* And no byte more. */
	usleep(50000);
	assert_int_equal(recv(far[1], got, 1, MSG_DONTWAIT), -1);
	close(far[0]);
	close(far[1]);
	bridge_free(bridge);
}

int main(void)
{
	static unsigned one_percent = 10, five_percent = 50;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_overlap),
		{"1 % of packets lost", test_random_loss, NULL, NULL, &one_percent},
		{"5 % of packets lost", test_random_loss, NULL, NULL, &five_percent},
		cmocka_unit_test(test_overlaps_are_trimmed),
		cmocka_unit_test(test_without_trimming_bytes_come_twice),
	};

	int r = lossy_enter();
	if (r < 0) {
		fprintf(stderr, "cannot make a network namespace: %s\n", strerror(-r));
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
