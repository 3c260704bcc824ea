// SPDX-License-Identifier: BSD-2-Clause
/* The rules by which a stream's path is chosen; the machine's load is made up. */
#include "user/plane/choose.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MIB   (1024u * 1024)
#define START (1000 * NS_PER_S)

static int percent;
static bool memory_is_short;

int load_percent(struct load_watch *watch, uint64_t now)
{
	(void)watch, (void)now;
	return percent;
}

bool tcp_memory_is_short(struct load_watch *watch, uint64_t now)
{
	(void)watch, (void)now;
	return memory_is_short;
}

bool tcp_memory_is_short_now(struct load_watch *watch, uint64_t now)
{
	return tcp_memory_is_short(watch, now);
}

struct bench {
	struct plane_settings settings;
	struct path paths[PATH_ROLES];
	struct plane plane;
	struct stream stream;
};

/* It is only chosen. */
static const struct path_ops no_path = {0};

static int set_up(void **state)
{
	static struct bench bench;

	bench = (struct bench){
		.settings = {.rules = {.sockmap_after = 200 * NS_PER_MS,
				       .burst_length = 100 * NS_PER_MS,
				       .bulk_bytes = MIB,
				       .bulk_spills = 16,
				       .busy_percent = 90,
				       .calm_percent = 75}},
	};
	bench.plane.settings = &bench.settings;
	for (int role = 0; role < PATH_ROLES; role++) {
		bench.paths[role].ops = &no_path;
		bench.plane.by_role[role] = &bench.paths[role];
	}
	stream_init(&bench.stream, &bench.plane, NULL);
	bench.stream.started = bench.stream.burst_began = START;
	percent = 0;
	memory_is_short = false;
	*state = &bench;
	return 0;
}

/* At `ms` after its start, `bytes` more having been moved. The stream follows. */
static enum path_role look(struct bench *bench, uint64_t ms, uint64_t bytes)
{
	bench->stream.ends[1].sent += bytes;
	bench->stream.path = choose_path(&bench->stream, START + ms * NS_PER_MS);
	return (enum path_role)(bench->stream.path - bench->paths);
}

static void a_short_stream_stays_in_user_space(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(look(bench, 0, 500), PATH_BASE);
	assert_int_equal(look(bench, 50, 500), PATH_BASE);
	assert_int_equal(look(bench, 199, 500), PATH_BASE);
}

static void a_quiet_stream_goes_to_the_sockmap(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(look(bench, 120, 500), PATH_BASE);
	assert_int_equal(look(bench, 230, 500), PATH_QUIET);
	bench->plane.by_role[PATH_QUIET] = NULL;
	bench->stream.path = bench->plane.by_role[PATH_BASE];
	assert_int_equal(look(bench, 400, 500), PATH_BASE);
}

static void bulk_goes_by_splice_and_comes_back(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(look(bench, 10, MIB - 1), PATH_BASE);
	assert_int_equal(look(bench, 20, 1), PATH_BULK);
	assert_int_equal(look(bench, 90, MIB), PATH_BULK);
	assert_int_equal(look(bench, 190, 2 * MIB), PATH_BULK);
	/* A burst's time without bulk. */
	assert_int_equal(look(bench, 250, 100), PATH_BULK);
	assert_int_equal(look(bench, 400, 100), PATH_QUIET);
}

static void bulk_leaves_the_sockmap_only_if_its_peer_cannot_keep_up(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(look(bench, 250, 100), PATH_QUIET);
	assert_int_equal(look(bench, 260, 3 * MIB), PATH_QUIET);
	bench->stream.directions[0].burst_spills = 15;
	assert_int_equal(look(bench, 270, MIB), PATH_QUIET);
	bench->stream.directions[0].burst_spills = 16;
	assert_int_equal(look(bench, 280, 100), PATH_BULK);
}

static void between_the_marks_of_load_it_stays(void **state)
{
	struct bench *bench = *state;

	percent = 80;
	assert_int_equal(look(bench, 300, 100), PATH_BASE);
	percent = 75;
	assert_int_equal(look(bench, 500, 100), PATH_QUIET);
	percent = 89;
	assert_int_equal(look(bench, 700, 100), PATH_QUIET);
	percent = 90;
	assert_int_equal(look(bench, 900, 100), PATH_BASE);
	percent = 76;
	assert_int_equal(look(bench, 1100, 100), PATH_BASE);
}

static void an_unknown_load_changes_nothing(void **state)
{
	struct bench *bench = *state;

	percent = LOAD_UNKNOWN;
	assert_int_equal(look(bench, 300, 100), PATH_BASE);
	percent = 10;
	assert_int_equal(look(bench, 500, 100), PATH_QUIET);
	percent = LOAD_UNKNOWN;
	assert_int_equal(look(bench, 700, 100), PATH_QUIET);
}

static void short_memory_keeps_everybody_out(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(look(bench, 300, 100), PATH_QUIET);
	memory_is_short = true;
	assert_int_equal(look(bench, 500, 100), PATH_BULK);
	bench->settings.forwarding = FORWARD_SOCKMAP;
	assert_int_equal(look(bench, 700, 100), PATH_BULK);
	memory_is_short = false;
	assert_int_equal(look(bench, 900, 100), PATH_QUIET);
}

static void forced_is_forced(void **state)
{
	struct bench *bench = *state;

	bench->settings.forwarding = FORWARD_SOCKMAP;
	percent = 100;
	assert_int_equal(look(bench, 0, 5 * MIB), PATH_QUIET);
	bench->settings.forwarding = FORWARD_COPY;
	assert_int_equal(look(bench, 10, 5 * MIB), PATH_BASE);
	bench->settings.forwarding = FORWARD_SPLICE;
	assert_int_equal(look(bench, 500, 1), PATH_BULK);
	/* Without a sockmap, the nearest to it. */
	bench->settings.forwarding = FORWARD_SOCKMAP;
	bench->plane.by_role[PATH_QUIET] = NULL;
	assert_int_equal(look(bench, 700, 1), PATH_BULK);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_short_stream_stays_in_user_space),
		TEST(a_quiet_stream_goes_to_the_sockmap),
		TEST(bulk_goes_by_splice_and_comes_back),
		TEST(bulk_leaves_the_sockmap_only_if_its_peer_cannot_keep_up),
		TEST(between_the_marks_of_load_it_stays),
		TEST(an_unknown_load_changes_nothing),
		TEST(short_memory_keeps_everybody_out),
		TEST(forced_is_forced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
