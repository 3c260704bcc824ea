// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the plane does on a kernel that stops at urgent bytes, on one that does
 * not: the quirk is made up here, in the place of user/plane/sockmap/quirks.c.
 */
#include "tests/bpf/lib/stage.h"
#include "user/plane/sockmap/quirks.h"
#include "user/plane/sockmap/sockmap.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>

#include <cmocka.h>

struct kernel_quirks quirks_of_this_kernel(void)
{
	return (struct kernel_quirks){.stops_at_urgent = true};
}

static struct stage stage;

static int set_up(void **state)
{
	(void)state;
	stage_open(&stage, FORWARD_SOCKMAP, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	stage_close(&stage);
	return 0;
}

/* A byte to the other side, and the stream in the map. */
static void enter(void)
{
	char byte = 'x';

	for (int i = 0; i < 2; i++) {
		assert_int_equal(send(stage.far[i], &byte, 1, 0), 1);
		while (recv(stage.far[!i], &byte, 1, MSG_DONTWAIT) != 1)
			stage_turn(&stage);
	}
	for (int i = 0; i < 100 && !(stage.stream.ends[0].joined && stage.stream.ends[1].joined);
	     i++)
		stage_turn(&stage);
	assert_ptr_equal(stage.stream.path->ops, &sockmap_path);
}

/* Nothing wakes user space for it: it is found within a second. */
static void test_an_urgent_byte_resets(void **state)
{
	uint64_t until = clock_now() + 5 * NS_PER_S;
	char bytes[8];

	(void)state;
	enter();
	assert_int_equal(send(stage.far[0], "!", 1, MSG_OOB), 1);
	while (!stage.ended && clock_now() < until)
		stage_turn(&stage);
	assert_true(stage.ended);
	assert_int_equal(stage.reason, STREAM_URGENT);
	ssize_t n = recv(stage.far[1], bytes, sizeof(bytes), 0);
	assert_true(n > 0 || errno == ECONNRESET);
}

/* It looks each second, finds nothing, and looks no more when it has left. */
static void test_without_one_it_goes_on(void **state)
{
	uint64_t until = clock_now() + 2500 * NS_PER_MS;

	(void)state;
	enter();
	while (clock_now() < until) {
		stage_turn(&stage);
		assert_false(stage.ended);
	}
	stage.settings.forwarding = FORWARD_COPY;
	stream_look(&stage.stream);
	for (int i = 0; i < 200 && stage.stream.path->ops == &sockmap_path; i++)
		stage_turn(&stage);
	assert_null(stage.stream.path_state);
	assert_false(stage.ended);
	assert_true(timers_next(&stage.timers, clock_now()) < 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_an_urgent_byte_resets),
		TEST(test_without_one_it_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
