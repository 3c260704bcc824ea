// SPDX-License-Identifier: BSD-2-Clause
/* copy_move() between two pairs of sockets, and what it asks the stream's path. */
#include "user/plane/copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static enum move_result received_result, clear_result;
static int times_clear;

static enum move_result received(struct stream *stream, int i)
{
	(void)stream, (void)i;
	return received_result;
}

static enum move_result clear(struct stream *stream, int i)
{
	(void)stream, (void)i;
	times_clear++;
	return clear_result;
}

static const struct path_ops asked = {.received = received, .clear_to_send = clear};
static struct path plain_path = {.ops = &copy_path}, asked_path = {.ops = &asked};
static char scratch[STREAM_CHUNK];
static struct plane plane = {.scratch = scratch, .by_role = {&plain_path}};
static struct stream stream;
static int far[2];

static int set_up(void **state)
{
	(void)state;
	stream_init(&stream, &plane, NULL);
	for (int i = 0; i < 2; i++) {
		int fds[2];

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) < 0)
			return -1;
		stream.ends[i].watch.fd = fds[0];
		far[i] = fds[1];
	}
	received_result = clear_result = MOVE_DRY;
	times_clear = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		close(stream.ends[i].watch.fd);
		close(far[i]);
		free(stream.directions[i].pending);
	}
	return 0;
}

static void say(const char *bytes, size_t n)
{
	assert_int_equal(send(far[0], bytes, n, 0), n);
}

static void hear(const char *bytes, ssize_t n)
{
	char got[64];

	assert_int_equal(recv(far[1], got, sizeof(got), 0), n);
	if (n > 0)
		assert_memory_equal(got, bytes, (size_t)n);
}

static void test_bytes_and_fin(void **state)
{
	(void)state;
	say("hello", 5);
	assert_int_equal(copy_move(&stream, 0), MOVE_DRY);
	hear("hello", 5);
	assert_int_equal(stream.ends[0].read, 5);
	assert_int_equal(stream.ends[1].sent, 5);
	assert_int_equal(copy_move(&stream, 0), MOVE_DRY);
	shutdown(far[0], SHUT_WR);
	assert_int_equal(copy_move(&stream, 0), MOVE_EOF);
	close(far[1]);
	far[1] = -1;
}

static void test_blocked(void **state)
{
	char block[16 * 1024] = {0};
	ssize_t n;

	(void)state;
	enum move_result r = MOVE_DRY;
	while (r == MOVE_DRY || r == MOVE_MORE) {
		while (send(far[0], block, sizeof(block), 0) > 0)
			;
		r = copy_move(&stream, 0);
	}
	assert_int_equal(r, MOVE_BLOCKED);
	uint64_t left = stream.directions[0].pending_end - stream.directions[0].pending_start;
	assert_true(left > 0 && left <= STREAM_CHUNK);
	assert_int_equal(stream.ends[0].read, stream.ends[1].sent + left);
	while ((n = recv(far[1], block, sizeof(block), 0)) > 0)
		;
	r = copy_move(&stream, 0);
	assert_true(r != MOVE_RESET_OUT && stream.ends[1].sent > 0);
}

static void test_the_path_keeps_bytes_back(void **state)
{
	(void)state;
	stream.path = &asked_path;
	clear_result = MOVE_WAIT;
	say("hello", 5);
	assert_int_equal(copy_move(&stream, 0), MOVE_WAIT);
	assert_non_null(stream.directions[0].pending);
	hear("", -1);
	/* Nothing more is read meanwhile. */
	say(" world", 6);
	assert_int_equal(copy_move(&stream, 0), MOVE_WAIT);
	assert_int_equal(stream.ends[0].read, 5);
	clear_result = MOVE_DRY;
	assert_int_equal(copy_move(&stream, 0), MOVE_DRY);
	assert_null(stream.directions[0].pending);
	hear("hello world", 11);
	assert_true(times_clear >= 4);
}

/* They never go on. */
static void test_the_path_finds_bytes_broken(void **state)
{
	(void)state;
	stream.path = &asked_path;
	received_result = MOVE_BROKEN;
	say("hello", 5);
	assert_int_equal(copy_move(&stream, 0), MOVE_BROKEN);
	hear("", -1);
	assert_int_equal(times_clear, 0);
	received_result = MOVE_DRY;
	clear_result = MOVE_RESET_OUT;
	say("hello", 5);
	assert_int_equal(copy_move(&stream, 0), MOVE_RESET_OUT);
	hear("", -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bytes_and_fin),
		TEST(test_blocked),
		TEST(test_the_path_keeps_bytes_back),
		TEST(test_the_path_finds_bytes_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
