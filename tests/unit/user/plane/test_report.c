// SPDX-License-Identifier: BSD-2-Clause
/* What the log says of a stream. */
#include "user/plane/path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static uint64_t seven(const struct stream *stream, int i)
{
	(void)stream;
	return i ? 70 : 7;
}

static void one_spill(const struct stream *stream, int i, struct stream_counts *counts)
{
	(void)stream, (void)i;
	counts->spills++;
}

static const struct path_ops base = {.name = "walk"};
static const struct path_ops fast = {.name = "run", .carried = seven, .counts = one_spill};
static const struct path_ops other = {.name = "swim"};

static struct path paths[] = {{.ops = &base}, {.ops = &fast}, {.ops = &other}};
static struct plane plane = {.paths = paths, .n_paths = 3, .by_role = {&paths[0]}};
static struct stream stream;

static int set_up(void **state)
{
	(void)state;
	stream_init(&stream, &plane, NULL);
	return 0;
}

static void test_paths(void **state)
{
	char text[STREAM_PATHS_TEXT];

	(void)state;
	assert_string_equal(stream_path_name(&stream, text), "walk");
	stream.used = 1u << 2;
	assert_string_equal(stream_path_name(&stream, text), "swim");
	stream.used |= 1u << 1;
	assert_string_equal(stream_path_name(&stream, text), "run+swim");
}

static void test_bytes(void **state)
{
	(void)state;
	stream.ends[1].sent_before = 100;
	stream.ends[1].sent = 150;
	stream.directions[0].carried = 1000;
	assert_int_equal(stream_bytes(&stream, 0), 1050);
	/* And what the path that it has now would add, where it has anything of the stream. */
	stream.path = &paths[1];
	assert_int_equal(stream_kernel_bytes(&stream, 0), 1000);
	stream.path_state = &stream;
	assert_int_equal(stream_kernel_bytes(&stream, 0), 1007);
	assert_int_equal(stream_kernel_bytes(&stream, 1), 70);
	assert_int_equal(stream_bytes(&stream, 0), 1057);
	stream.directions[0].counts.spills = 4;
	assert_int_equal(stream_kernel_counts(&stream, 0).spills, 5);
	stream.path_state = NULL;
	assert_int_equal(stream_kernel_counts(&stream, 0).spills, 4);
}

/* Each has words of its own, but that both sides' resets have the same. */
static void test_reasons(void **state)
{
	(void)state;
	for (int a = STREAM_FINISHED; a <= STREAM_STUCK; a++) {
		const char *name = stream_reason_name((enum stream_end_reason)a);

		assert_string_not_equal(name, "unknown");
		for (int b = STREAM_FINISHED; b < a; b++)
			if (b != STREAM_RESET_BY_0)
				assert_string_not_equal(
					name, stream_reason_name((enum stream_end_reason)b));
	}
	assert_string_equal(stream_reason_name(STREAM_RESET_BY_0), "reset");
	assert_string_equal(stream_reason_name((enum stream_end_reason)99), "unknown");
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_paths), TEST(test_bytes), TEST(test_reasons)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
