// SPDX-License-Identifier: BSD-2-Clause
/* Content through the plane, on each of its paths: every byte once and in order. */
#include "tests/bpf/lib/load.h"
#include "tests/bpf/lib/scale.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define KIB 1024ull
#define MIB (1024 * KIB)

static struct bridge *open_bridge_with(enum stream_forwarding forwarding, uint32_t budget,
				       uint32_t memory)
{
	struct bridge_options options = {
		.plane = {.forwarding = forwarding,
			  .kernel_budget = budget,
			  .memory = memory,
			  .idle_timeout = 60 * NS_PER_S,
			  .drain_timeout = 60 * NS_PER_S},
	};
	struct bridge *bridge = bridge_new(&options);

	assert_non_null(bridge);
	return bridge;
}

static struct bridge *open_bridge(enum stream_forwarding forwarding, uint32_t budget)
{
	return open_bridge_with(forwarding, budget, 4 * MIB);
}

static void check(struct bridge *bridge, const struct load *load, unsigned connections,
		  struct bridge_result *ret)
{
	const char *error = load_run_many(bridge, load, connections, ret);

	if (error)
		fail_msg("%s", error);
	print_message("# %llu + %llu bytes, in the kernel %llu + %llu, spills %u + %u, switches %u "
		      "+ %u, overlaps %u + %u\n",
		      (unsigned long long)ret->bytes[0], (unsigned long long)ret->bytes[1],
		      (unsigned long long)ret->kernel_bytes[0],
		      (unsigned long long)ret->kernel_bytes[1], ret->spills[0], ret->spills[1],
		      ret->switches[0], ret->switches[1], ret->overlaps[0], ret->overlaps[1]);
	assert_int_equal(bridge_map_entries(bridge), 0);
}

static void test_bulk(void **state)
{
	enum stream_forwarding forwarding = (enum stream_forwarding)(uintptr_t)*state;
	struct bridge *bridge = open_bridge(forwarding, 256 * KIB);
	const struct load load = {
		.bytes = {scaled(100 * MIB), scaled(100 * MIB)},
		.write_min = 1,
		.write_max = 256 * KIB,
	};
	struct bridge_result result;

	check(bridge, &load, 1, &result);
	bridge_free(bridge);
}

static void test_many(void **state)
{
	enum stream_forwarding forwarding = (enum stream_forwarding)(uintptr_t)*state;
	struct bridge *bridge = open_bridge(forwarding, 256 * KIB);
	const uint64_t bytes = is_scaled() ? MIB / 2 : 2 * MIB;
	const struct load load = {.bytes = {bytes, bytes},
				  .write_min = 1,
				  .write_max = 16 * KIB,
				  .pause_percent = 3,
				  .pause_us = 2000,
				  .seed = 7};
	struct bridge_result result;

	check(bridge, &load, is_scaled() ? 16 : 64, &result);
	bridge_free(bridge);
}

static void test_small_writes(void **state)
{
	struct bridge *bridge = open_bridge(FORWARD_SOCKMAP, 256 * KIB);
	struct load load = {.bytes = {1 * MIB, 1 * MIB},
			    .write_min = 1,
			    .write_max = 64,
			    .pause_percent = 1,
			    .pause_us = is_scaled() ? 5000 : 500};
	struct bridge_result result;
	uint64_t in_kernel = 0;

	(void)state;
	/* The program gets a direction only when nothing waits in user space. */
	for (unsigned run = 0; run < 10 && in_kernel <= MIB; run++) {
		load.seed += 100000;
		check(bridge, &load, 4, &result);
		in_kernel += result.kernel_bytes[0];
	}
	assert_true(in_kernel > MIB);
	bridge_free(bridge);
}

/* A budget so small that each connection changes sides hundreds of times. */
static void test_switches_under_fire(void **state)
{
	struct bridge *bridge = open_bridge(FORWARD_SOCKMAP, 4 * KIB);
	const struct load load = {.bytes = {scaled(20 * MIB), scaled(20 * MIB)},
				  .write_min = 100,
				  .write_max = 3000,
				  .pause_percent = 5,
				  .pause_us = 200,
				  .seed = 3};
	struct bridge_result result;

	(void)state;
	check(bridge, &load, 4, &result);
	bridge_free(bridge);
}

/*
 * Receive buffers so small that what is passed often finds no room, while
 * redirected bytes wait in the same queue: nothing may be overtaken, and nothing
 * may be left there.
 */
static void test_both_ways_through_small_buffers(void **state)
{
	struct bridge *bridge = open_bridge_with(FORWARD_SOCKMAP, 256 * KIB, 512 * KIB);
	const uint64_t bytes = is_scaled() ? MIB / 4 : 2 * MIB;
	struct load load = {.bytes = {bytes, bytes},
			    .write_min = 1,
			    .write_max = 32 * KIB,
			    .pause_percent = 30,
			    .pause_us = is_scaled() ? 10000 : 1000,
			    .seed = 5};
	struct bridge_result result;
	unsigned switches[2] = {0, 0};

	(void)state;
	/* The program gets a direction only when nothing waits in user space: until it had both. */
	for (unsigned run = 0; run < 2 || (run < 20 && !(switches[0] && switches[1])); run++) {
		load.seed += 100000;
		check(bridge, &load, 4, &result);
		for (int i = 0; i < 2; i++)
			switches[i] += result.switches[i];
	}
	assert_true(switches[0] && switches[1]);
	bridge_free(bridge);
}

static void test_slow_readers(void **state)
{
	struct bridge *bridge = open_bridge(FORWARD_SOCKMAP, 256 * KIB);
	const struct load load = {.bytes = {scaled(4 * MIB), scaled(4 * MIB)},
				  .write_min = 1,
				  .write_max = 64 * KIB,
				  .read_pause_us = 300,
				  .read_max = 8192,
				  .rcvbuf = 16384,
				  .seed = 11};
	struct bridge_result result;

	(void)state;
	check(bridge, &load, 8, &result);
	bridge_free(bridge);
}

int main(void)
{
	void *const copy = (void *)(uintptr_t)FORWARD_COPY;
	void *const splice = (void *)(uintptr_t)FORWARD_SPLICE;
	void *const sockmap = (void *)(uintptr_t)FORWARD_SOCKMAP;
	void *const automatic = (void *)(uintptr_t)FORWARD_AUTO;
	const struct CMUnitTest tests[] = {
		{"bulk by copying", test_bulk, NULL, NULL, copy},
		{"bulk by pipes", test_bulk, NULL, NULL, splice},
		{"bulk by the sockmap", test_bulk, NULL, NULL, sockmap},
		{"bulk on the path that the stream chooses", test_bulk, NULL, NULL, automatic},
		{"many connections by copying", test_many, NULL, NULL, copy},
		{"many connections by pipes", test_many, NULL, NULL, splice},
		{"many connections by the sockmap", test_many, NULL, NULL, sockmap},
		{"many connections on the path that they choose", test_many, NULL, NULL, automatic},
		cmocka_unit_test(test_small_writes),
		cmocka_unit_test(test_switches_under_fire),
		cmocka_unit_test(test_both_ways_through_small_buffers),
		cmocka_unit_test(test_slow_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
