// SPDX-License-Identifier: BSD-2-Clause
/* When a stream has stood still for too long. The clock is the test's; there are no sockets, so
 * what is sent counts as acknowledged. */
#include "user/plane/path.h"
#include "user/plane/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define START (1000 * NS_PER_S)

static const struct path_ops no_path = {0};

struct bench {
	struct plane_settings settings;
	struct timers timers;
	struct path path;
	struct plane plane;
	struct stream stream;
};

static struct bench bench;

static void open_bench(uint64_t idle, uint64_t drain)
{
	bench = (struct bench){
		.settings = {.idle_timeout = idle, .drain_timeout = drain},
		.path = {.ops = &no_path},
	};
	bench.plane.settings = &bench.settings;
	bench.plane.timers = &bench.timers;
	bench.plane.by_role[PATH_BASE] = &bench.path;
	stream_init(&bench.stream, &bench.plane, NULL);
	progress_begin(&bench.stream, START);
}

/* True: it goes on. */
static bool check(uint64_t seconds, enum stream_end_reason *ret)
{
	timer_disarm(&bench.timers, &bench.stream.look);
	return progress_check(&bench.stream, START + seconds * NS_PER_S, ret);
}

static void test_idle(void **state)
{
	enum stream_end_reason reason;

	(void)state;
	open_bench(10 * NS_PER_S, 2 * NS_PER_S);
	assert_true(bench.stream.look.armed);
	assert_int_equal(bench.stream.look.due, START + 10 * NS_PER_S);
	assert_true(check(9, &reason));
	bench.stream.ends[1].sent += 1;
	assert_true(check(12, &reason));
	assert_true(bench.stream.look.armed);
	assert_true(check(21, &reason));
	assert_false(check(22, &reason));
	assert_int_equal(reason, STREAM_IDLE);
}

static void test_no_time_outs(void **state)
{
	enum stream_end_reason reason;

	(void)state;
	open_bench(0, 0);
	assert_false(bench.stream.look.armed);
	bench.stream.ends[0].fin_seen = true;
	progress_settle(&bench.stream, START + NS_PER_S);
	assert_false(bench.stream.look.armed);
	assert_true(check(1000000, &reason));
	assert_false(bench.stream.look.armed);
}

/* To stand still before the FIN was allowed. */
static void test_drain_begins_with_the_fin(void **state)
{
	enum stream_end_reason reason;

	(void)state;
	open_bench(60 * NS_PER_S, 2 * NS_PER_S);
	bench.stream.ends[0].fin_seen = true;
	progress_settle(&bench.stream, START + 50 * NS_PER_S);
	assert_int_equal(bench.stream.look.due, START + 52 * NS_PER_S);
	assert_true(check(51, &reason));
	assert_false(check(52, &reason));
	assert_int_equal(reason, STREAM_STALLED);
}

static void test_a_drained_direction_is_idle_again(void **state)
{
	enum stream_end_reason reason;

	(void)state;
	open_bench(60 * NS_PER_S, 2 * NS_PER_S);
	bench.stream.ends[0].fin_seen = true;
	progress_settle(&bench.stream, START + NS_PER_S);
	bench.stream.directions[0].done = true;
	progress_settle(&bench.stream, START + 2 * NS_PER_S);
	assert_true(check(50, &reason));
	assert_false(check(61, &reason));
	assert_int_equal(reason, STREAM_IDLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_no_time_outs),
		cmocka_unit_test(test_drain_begins_with_the_fin),
		cmocka_unit_test(test_a_drained_direction_is_idle_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
