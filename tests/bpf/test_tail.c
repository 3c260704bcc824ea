// SPDX-License-Identifier: BSD-2-Clause
/*
 * The tail of a stream whose client half-closed after its request, and whose
 * server has sent everything: epoll tells of the server's socket no more, so
 * that a timer moves what is left. Its pauses must not grow while there is
 * progress. The plane runs in this thread, turn by turn.
 */
#include "tests/bpf/lib/stage.h"
#include "user/plane/sockmap/account.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>

#include <cmocka.h>

#define MIB    (1024 * 1024)
#define MEMORY (16 * MIB)
#define UNREAD (3 * MIB)       /* in our receive buffer when the server's FIN comes */
#define PAUSE  (200 * 1000ull) /* ns; the first is 50 us, and would double each time */
#define TURNS  5000

static struct stage stage;
static char block[64 * 1024];

/* Of the server's bytes; FIONREAD tells of other ones inside the sockmap. */
static uint64_t unread(void)
{
	const struct stream_end *server = &stage.stream.ends[1];
	struct account_in in;

	assert_int_equal(account_received(server->watch.fd, &in), 0);
	return in.received - server->read - stream_kernel_bytes(&stage.stream, 1);
}

/* Until so much lies with us that the client's side does not take. */
static uint64_t send_until_unread(void)
{
	uint64_t sent = 0;

	for (int i = 0; i < TURNS && unread() < UNREAD; i++) {
		ssize_t n = send(stage.far[1], block, sizeof(block), MSG_DONTWAIT);

		assert_true(n > 0 || errno == EAGAIN);
		sent += n > 0 ? (uint64_t)n : 0;
		/* Both at once would go on for ever: the turn waits when there is nothing to do. */
		if (n < 0 || sent % (16 * sizeof(block)) == 0)
			stage_turn(&stage);
	}
	assert_true(unread() >= UNREAD);
	return sent;
}

static void test_tail(void **state)
{
	const enum stream_forwarding *forwarding = *state;
	uint64_t got = 0;

	stage_open(&stage, *forwarding, MEMORY);
	assert_int_equal(send(stage.far[0], "request", 7, 0), 7);
	assert_int_equal(shutdown(stage.far[0], SHUT_WR), 0);
	for (int i = 0; i < TURNS && !stage.stream.ends[1].fin_sent; i++)
		stage_turn(&stage);
	uint64_t sent = send_until_unread();
	assert_int_equal(shutdown(stage.far[1], SHUT_WR), 0);
	for (int i = 0; i < TURNS && !stage.stream.ends[1].hung_up; i++)
		stage_turn(&stage);
	assert_true(stage.stream.ends[1].hung_up);
	uint64_t before = stage.stream.ends[1].read;

	for (int i = 0; i < TURNS && !stage.ended; i++) {
		for (ssize_t n; (n = recv(stage.far[0], block, sizeof(block), MSG_DONTWAIT)) > 0;)
			got += (uint64_t)n;
		stage_turn(&stage);
		assert_true(stage.stream.retry_after <= PAUSE);
	}
	assert_true(stage.ended);
	assert_int_equal(stage.reason, STREAM_FINISHED);
	for (ssize_t n; (n = recv(stage.far[0], block, sizeof(block), 0)) > 0;)
		got += (uint64_t)n;
	assert_int_equal(got, sent);
	/* There was a tail that took many steps. */
	assert_true(sent - before >= UNREAD / 2);
}

static int tear_down(void **state)
{
	(void)state;
	stage_close(&stage);
	return 0;
}

int main(void)
{
	static enum stream_forwarding copy = FORWARD_COPY, splice = FORWARD_SPLICE;
	const struct CMUnitTest tests[] = {
		{"copy", test_tail, NULL, tear_down, &copy},
		{"splice", test_tail, NULL, tear_down, &splice},
	};
	return cmocka_run_group_tests_name("the tail of a half-closed stream", tests, NULL, NULL);
}
