// SPDX-License-Identifier: BSD-2-Clause
/*
 * Streams that change their path all the time, under load: into the map and
 * out of it, to pipes and back. The decision is made by dice here, in the
 * place of user/plane/choose.c; every byte must arrive once all the same.
 */
#include "tests/bpf/lib/load.h"
#include "tests/bpf/lib/scale.h"

#include "user/plane/choose.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

#define KIB    1024u
#define MIB    (1024u * KIB)
#define ONE_IN 3 /* looks at a stream's path */

static unsigned long changes; /* of the bridge's thread */

struct path *choose_path(struct stream *stream, uint64_t now)
{
	static const enum path_role roles[] = {PATH_BASE, PATH_BULK, PATH_QUIET, PATH_QUIET};
	struct path *const *by_role = stream->plane->by_role;
	static unsigned dice = 1;

	(void)now;
	if (stream->leaving)
		return by_role[PATH_BASE];
	if (rand_r(&dice) % ONE_IN)
		return stream->entering ? stream->entering : stream->path;
	stream->refused = 0;
	struct path *chosen = by_role[roles[(unsigned)rand_r(&dice) % 4]];
	changes += chosen != stream->path;
	return chosen;
}

/* A third of it in an emulated guest, where a run moves less. */
static bool enough(uint64_t redirected, unsigned switches)
{
	unsigned part = is_scaled() ? 3 : 1;

	return changes >= 300 / part && redirected >= MIB / part && switches >= 100 / part;
}

static void test_random_paths(void **state)
{
	const struct load *load = *state;
	struct bridge_result sum = {0};
	uint64_t redirected = 0;
	unsigned switches = 0;

	changes = 0;
	/* The dice are not the same twice on a loaded machine: until the program has had its part.
	 */
	for (unsigned run = 0; run < 4 || (run < 30 && !enough(redirected, switches)); run++) {
		struct bridge_options options = {
			.plane = {.forwarding = FORWARD_AUTO,
				  .kernel_budget = run % 2 ? 16 * KIB : 256 * KIB,
				  .memory = 4 * MIB},
		};
		struct load one = *load;
		unsigned connections = 16;
		struct bridge *bridge = bridge_new(&options);

		assert_non_null(bridge);
		one.seed += run * 100000;
		/* The program gets a direction only when nothing waits in user space. Where moving
		 * a byte takes ten times as long, so must the pauses. */
		if (is_scaled()) {
			connections = 4;
			one.bytes[0] /= 4;
			one.bytes[1] /= 4;
			one.pause_us *= 10;
		}
		const char *error = load_run_many(bridge, &one, connections, &sum);
		if (error)
			fail_msg("%s", error);
		assert_int_equal(bridge_map_entries(bridge), 0);
		bridge_free(bridge);
		redirected += sum.kernel_bytes[0] + sum.kernel_bytes[1];
		switches += sum.switches[0] + sum.switches[1];
	}
	print_message("# %lu other paths, %llu bytes in the kernel, taken %u times\n", changes,
		      (unsigned long long)redirected, switches);
	assert_true(enough(redirected, switches));
}

int main(void)
{
	static struct load bursts = {.bytes = {2 * MIB, 2 * MIB},
				     .write_min = 1,
				     .write_max = 4000,
				     .pause_percent = 60,
				     .pause_us = 600,
				     .seed = 1};
	static struct load large = {.bytes = {4 * MIB, 4 * MIB},
				    .write_min = 1,
				    .write_max = 60000,
				    .pause_percent = 60,
				    .pause_us = 3000,
				    .family = AF_INET6,
				    .seed = 2};
	static struct load slow_readers = {.bytes = {2 * MIB, 2 * MIB},
					   .write_min = 1,
					   .write_max = 4000,
					   .pause_percent = 60,
					   .pause_us = 1000,
					   .read_pause_us = 20,
					   .rcvbuf = 64 * KIB,
					   .seed = 3};
	const struct CMUnitTest tests[] = {
		{"small writes", test_random_paths, NULL, NULL, &bursts},
		{"large writes", test_random_paths, NULL, NULL, &large},
		{"slow readers", test_random_paths, NULL, NULL, &slow_readers},
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
