// SPDX-License-Identifier: BSD-2-Clause
/* A stream's way from path to path, between paths that only note what they are asked. */
#include "user/plane/change.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct map_state {
	uint64_t carried[2];
};

static int enter_result[2], entered[2], held, forgotten;
static enum leave_result leave_result, pipe_leave_result;
static bool at_rest; /* the directions of the base path */
static bool ended;
static enum stream_end_reason end_reason;

static enum move_result move_base(struct stream *stream, int i)
{
	(void)stream, (void)i;
	return at_rest ? MOVE_DRY : MOVE_BLOCKED;
}

static enum move_result move_blocked(struct stream *stream, int i)
{
	(void)stream, (void)i;
	return MOVE_BLOCKED;
}

static int enter_map(struct stream *stream, int i)
{
	entered[i]++;
	if (enter_result[i] < 0)
		return enter_result[i];
	((struct map_state *)stream->path_state)->carried[i] = 5;
	return 0;
}

static void hold_map(struct stream *stream)
{
	assert_true(stream->leaving);
	held++;
}

static enum leave_result leave_map(struct stream *stream)
{
	(void)stream;
	return leave_result;
}

static enum leave_result leave_pipe(struct stream *stream)
{
	(void)stream;
	return pipe_leave_result;
}

static void forget_map(struct stream *stream)
{
	assert_non_null(stream->path_state);
	forgotten++;
}

static uint64_t carried_map(const struct stream *stream, int i)
{
	return ((struct map_state *)stream->path_state)->carried[i];
}

static const struct path_ops base_ops = {.name = "base", .move = move_base};
static const struct path_ops map_ops = {
	.name = "map",
	.state_bytes = sizeof(struct map_state),
	.enter = enter_map,
	.hold = hold_map,
	.leave = leave_map,
	.forget = forget_map,
	.move = move_base,
	.carried = carried_map,
};
static const struct path_ops pipe_ops = {
	.name = "pipe", .state_bytes = 8, .leave = leave_pipe, .move = move_blocked};

static struct path paths[] = {
	{.ops = &base_ops, .index = 0},
	{.ops = &map_ops, .index = 1},
	{.ops = &pipe_ops, .index = 2},
};
static struct path *const base = &paths[0], *const map = &paths[1], *const pipes = &paths[2];
static struct timers timers;
static struct plane plane;
static struct stream stream;

static void on_ended(struct stream *which, enum stream_end_reason reason)
{
	assert_ptr_equal(which, &stream);
	ended = true;
	end_reason = reason;
}

static int set_up(void **state)
{
	(void)state;
	timers = (struct timers){0};
	plane = (struct plane){
		.timers = &timers, .paths = paths, .n_paths = 3, .by_role = {base, pipes, map}};
	stream_init(&stream, &plane, on_ended);
	stream.running = true;
	enter_result[0] = enter_result[1] = entered[0] = entered[1] = held = forgotten = 0;
	leave_result = pipe_leave_result = LEAVE_DONE;
	at_rest = true;
	ended = false;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	stream_close(&stream, false);
	assert_null(stream.path_state);
	return 0;
}

static void test_in_and_out(void **state)
{
	(void)state;
	change_path(&stream, map);
	assert_ptr_equal(stream.path, map);
	assert_true(stream.ends[0].joined && stream.ends[1].joined);
	assert_int_equal(stream_kernel_bytes(&stream, 0), 5);
	change_path(&stream, base);
	assert_ptr_equal(stream.path, base);
	assert_null(stream.path_state);
	assert_false(stream.ends[0].joined || stream.ends[1].joined);
	assert_int_equal(held, 1);
	assert_int_equal(forgotten, 1);
	/* What was counted stays, and a second stay adds to it. */
	assert_int_equal(stream_kernel_bytes(&stream, 0), 5);
	change_path(&stream, map);
	assert_int_equal(stream_kernel_bytes(&stream, 0), 10);
	assert_int_equal(stream.used, 1u << 1);
}

static void test_only_at_rest(void **state)
{
	(void)state;
	at_rest = false;
	change_path(&stream, map);
	assert_ptr_equal(stream.path, base);
	assert_ptr_equal(stream.entering, map);
	at_rest = true;
	change_at_rest(&stream, 0);
	assert_ptr_equal(stream.path, map);
}

static void test_refused(void **state)
{
	(void)state;
	enter_result[0] = -EOPNOTSUPP;
	change_path(&stream, map);
	assert_ptr_equal(stream.path, base);
	assert_null(stream.path_state);
	assert_null(stream.entering);
	assert_int_equal(stream.used, 0);
	/* Never asked again, and from another path nobody leaves for it. */
	int asked = entered[0];
	change_path(&stream, pipes);
	change_path(&stream, map);
	assert_ptr_equal(stream.path, pipes);
	assert_int_equal(entered[0], asked);
}

static void test_later_perhaps(void **state)
{
	(void)state;
	enter_result[0] = enter_result[1] = -EAGAIN;
	change_path(&stream, map);
	assert_ptr_equal(stream.path, base);
	assert_ptr_equal(stream.entering, map);
	enter_result[0] = enter_result[1] = 0;
	change_at_rest(&stream, 1);
	assert_ptr_equal(stream.path, map);
}

/* The first end is in, and may hold bytes: the stream stays. */
static void test_the_second_end_is_refused(void **state)
{
	(void)state;
	enter_result[1] = -EOPNOTSUPP;
	change_path(&stream, map);
	assert_ptr_equal(stream.path, map);
	assert_true(stream.ends[0].joined);
	assert_false(stream.ends[1].joined);
	assert_null(stream.entering);
	assert_int_equal(entered[1], 1);
}

static void test_leaving_takes_several_looks(void **state)
{
	(void)state;
	change_path(&stream, map);
	leave_result = LEAVE_LATER;
	change_path(&stream, base);
	assert_ptr_equal(stream.path, map);
	assert_true(stream.leaving && stream.retry.armed);
	/* Begun is begun, whatever is wanted meanwhile. */
	change_path(&stream, map);
	assert_int_equal(held, 1);
	leave_result = LEAVE_DONE;
	change_path(&stream, map);
	assert_ptr_equal(stream.path, base);
	assert_false(stream.leaving);
}

static void test_by_the_base_path(void **state)
{
	(void)state;
	change_path(&stream, map);
	change_path(&stream, pipes);
	assert_ptr_equal(stream.path, pipes);
	assert_int_equal(forgotten, 1);
	pipe_leave_result = LEAVE_BUSY;
	change_path(&stream, map);
	assert_ptr_equal(stream.path, pipes);
	assert_false(stream.leaving || stream.retry.armed);
	pipe_leave_result = LEAVE_DONE;
	change_path(&stream, map);
	assert_ptr_equal(stream.path, map);
	assert_int_equal(stream.used, 1u << 1 | 1u << 2);
}

static void expect_end(enum leave_result result, enum stream_end_reason reason)
{
	set_up(NULL);
	change_path(&stream, map);
	leave_result = result;
	change_path(&stream, base);
	assert_true(ended);
	assert_int_equal(end_reason, reason);
	assert_int_equal(forgotten, 1);
	assert_int_equal(stream_kernel_bytes(&stream, 1), 5);
}

static void test_no_way_out(void **state)
{
	(void)state;
	expect_end(LEAVE_BROKEN, STREAM_BROKEN);
	expect_end(LEAVE_NO_MEMORY, STREAM_NO_MEMORY);
	expect_end(LEAVE_NOT_ALLOWED, STREAM_STUCK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_in_and_out),
		TEST(test_only_at_rest),
		TEST(test_refused),
		TEST(test_later_perhaps),
		TEST(test_the_second_end_is_refused),
		TEST(test_leaving_takes_several_looks),
		TEST(test_by_the_base_path),
		TEST(test_no_way_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
