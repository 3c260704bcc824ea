// SPDX-License-Identifier: BSD-2-Clause
/*
 * What it takes to add a path: one struct path_ops and one line in a table. The
 * path of this file has a thread for each direction, which moves the bytes
 * while the worker sleeps; it is entered, left, drained and counted like those
 * of the proxy, and the plane knows nothing of it.
 */
#include "tests/bpf/lib/stage.h"
#include "user/plane/copy.h"
#include "user/plane/splice.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define BLOCK 16384

/* Of one direction. Its descriptors are its own, since those of the stream may be closed first. */
struct hose {
	pthread_t thread;
	int from, to, stop;
	_Atomic uint64_t moved;
	_Atomic bool stopped; /* the rest is the worker's then */
	bool ended, failed;   /* FIN; RST */
	char left[BLOCK];     /* received, and not accepted by the other side when it was stopped */
	size_t n_left;
};

struct thread_stream {
	struct hose *hoses[2];
};

/* False: the thread shall stop. */
static bool wait_for(const struct hose *hose, int fd, short events)
{
	struct pollfd fds[2] = {{.fd = fd, .events = events}, {.fd = hose->stop, .events = POLLIN}};

	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	return !fds[1].revents;
}

/* False: stopped, or reset. */
static bool deliver(struct hose *hose)
{
	size_t done = 0;

	while (done < hose->n_left) {
		ssize_t n = send(hose->to, hose->left + done, hose->n_left - done,
				 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0) {
			done += (size_t)n;
			atomic_fetch_add(&hose->moved, (uint64_t)n);
		} else if (errno != EAGAIN) {
			hose->failed = true;
			break;
		} else if (!wait_for(hose, hose->to, POLLOUT)) {
			break;
		}
	}
	memmove(hose->left, hose->left + done, hose->n_left - done);
	hose->n_left -= done;
	return hose->n_left == 0;
}

static void *run(void *arg)
{
	struct hose *hose = arg;

	while (wait_for(hose, hose->from, POLLIN)) {
		ssize_t n = recv(hose->from, hose->left, BLOCK, MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			continue;
		hose->ended = n == 0;
		hose->failed = n < 0;
		if (n <= 0)
			break;
		hose->n_left = (size_t)n;
		if (!deliver(hose))
			break;
	}
	atomic_store(&hose->stopped, true);
	return NULL;
}

static struct hose *hose_of(const struct stream *stream, int i)
{
	return ((struct thread_stream *)stream->path_state)->hoses[i];
}

static int enter(struct stream *stream, int i)
{
	struct hose *hose = calloc(1, sizeof(*hose));

	assert_non_null(hose);
	hose->from = dup(stream->ends[i].watch.fd);
	hose->to = dup(stream->ends[!i].watch.fd);
	hose->stop = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(pthread_create(&hose->thread, NULL, run, hose), 0);
	((struct thread_stream *)stream->path_state)->hoses[i] = hose;
	stream->directions[i].away = true;
	return 0;
}

static void hold(struct stream *stream)
{
	const uint64_t one = 1;

	for (int i = 0; i < 2; i++)
		if (hose_of(stream, i))
			assert_int_equal(write(hose_of(stream, i)->stop, &one, sizeof(one)),
					 sizeof(one));
}

/* What the thread has in its hand is the worker's to send now. */
static void take_back(struct stream *stream, int i)
{
	struct stream_direction *direction = &stream->directions[i];
	struct hose *hose = hose_of(stream, i);

	stream->ends[i].read += hose->n_left;
	if (hose->n_left == 0)
		return;
	direction->pending = malloc(hose->n_left);
	assert_non_null(direction->pending);
	memcpy(direction->pending, hose->left, hose->n_left);
	direction->pending_start = 0;
	direction->pending_end = (uint32_t)hose->n_left;
}

static enum leave_result leave(struct stream *stream)
{
	for (int i = 0; i < 2; i++)
		if (hose_of(stream, i) && !atomic_load(&hose_of(stream, i)->stopped))
			return LEAVE_LATER;
	for (int i = 0; i < 2; i++)
		if (hose_of(stream, i))
			take_back(stream, i);
	return LEAVE_DONE;
}

static void forget(struct stream *stream)
{
	hold(stream);
	for (int i = 0; i < 2; i++) {
		struct hose *hose = hose_of(stream, i);

		if (!hose)
			continue;
		pthread_join(hose->thread, NULL);
		close(hose->from);
		close(hose->to);
		close(hose->stop);
		free(hose);
	}
}

static enum move_result move(struct stream *stream, int i)
{
	return stream->directions[i].away ? MOVE_AWAY : copy_move(stream, i);
}

static enum move_result drained(struct stream *stream, int i)
{
	const struct hose *hose = hose_of(stream, i);

	if (!hose || !stream->directions[i].away)
		return MOVE_DRY;
	if (!atomic_load(&hose->stopped))
		return MOVE_WAIT;
	return hose->failed ? MOVE_RESET_IN : MOVE_DRY;
}

static uint64_t carried(const struct stream *stream, int i)
{
	struct hose *hose = hose_of(stream, i);

	return hose ? atomic_load(&hose->moved) : 0;
}

static const struct path_ops thread_path = {
	.name = "thread",
	.state_bytes = sizeof(struct thread_stream),
	.enter = enter,
	.hold = hold,
	.leave = leave,
	.forget = forget,
	.move = move,
	.drained = drained,
	.carried = carried,
};

static const struct path_entry table[] = {
	{PATH_BASE, &copy_path},
	{PATH_QUIET, &thread_path}, /* the line */
	{PATH_BULK, &splice_path},
	{0},
};

/* Bytes that know their place; the two ways differ. */
static void fill(char *bytes, size_t n, uint64_t from, int side)
{
	for (size_t k = 0; k < n; k++)
		bytes[k] = (char)((from + k) * 167 + ((from + k) >> 8) + (unsigned)side);
}

static struct stage stage;
static uint64_t sent[2], got[2]; /* by far[i] */

static void send_some(int i, uint64_t until)
{
	char bytes[BLOCK];
	size_t n = until - sent[i] < BLOCK ? (size_t)(until - sent[i]) : BLOCK;

	fill(bytes, n, sent[i], i);
	ssize_t done = n ? send(stage.far[i], bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
	assert_true(done >= 0 || errno == EAGAIN);
	sent[i] += done > 0 ? (uint64_t)done : 0;
}

/* True: FIN. */
static bool receive_some(int i)
{
	char bytes[BLOCK], wanted[BLOCK];
	ssize_t n = recv(stage.far[i], bytes, sizeof(bytes), MSG_DONTWAIT);

	assert_true(n >= 0 || errno == EAGAIN);
	if (n <= 0)
		return n == 0;
	fill(wanted, (size_t)n, got[i], !i);
	assert_memory_equal(bytes, wanted, (size_t)n);
	got[i] += (uint64_t)n;
	return false;
}

/* Both ways at once, until both have everything. */
static void talk(uint64_t bytes)
{
	uint64_t until = clock_now() + 30 * NS_PER_S;

	while (got[0] < bytes || got[1] < bytes) {
		assert_true(clock_now() < until);
		for (int i = 0; i < 2; i++) {
			send_some(i, bytes);
			assert_false(receive_some(i));
		}
		stage_turn(&stage);
		assert_false(stage.ended);
	}
}

static void expect_fin(int i)
{
	uint64_t until = clock_now() + 10 * NS_PER_S;

	while (!receive_some(i)) {
		assert_true(clock_now() < until);
		stage_turn(&stage);
	}
}

/* One side closes, the other goes on, and then it closes, too. */
static void finish(void)
{
	assert_int_equal(shutdown(stage.far[0], SHUT_WR), 0);
	expect_fin(1);
	assert_int_equal(got[1], sent[0]);
	uint64_t all = sent[1] + 100000, until = clock_now() + 10 * NS_PER_S;
	while (got[0] < all) {
		assert_true(clock_now() < until);
		send_some(1, all);
		assert_false(receive_some(0));
		stage_turn(&stage);
	}
	assert_int_equal(shutdown(stage.far[1], SHUT_WR), 0);
	expect_fin(0);
	assert_int_equal(got[0], sent[1]);
	while (!stage.ended) {
		assert_true(clock_now() < until);
		stage_turn(&stage);
	}
	assert_int_equal(stage.reason, STREAM_FINISHED);
}

static void expect_all_counted(void)
{
	char text[STREAM_PATHS_TEXT];

	for (int i = 0; i < 2; i++) {
		assert_true(stream_kernel_bytes(&stage.stream, i) > 0);
		assert_int_equal(stream_bytes(&stage.stream, i), sent[i]);
	}
	assert_int_equal(strncmp(stream_path_name(&stage.stream, text), "thread", 6), 0);
}

static int set_up(void **state)
{
	(void)state;
	memset(sent, 0, sizeof(sent));
	memset(got, 0, sizeof(got));
	stage_open_paths(&stage, FORWARD_SOCKMAP, 0, table);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	stage_close(&stage);
	return 0;
}

static void test_both_ways_and_half_closed(void **state)
{
	(void)state;
	talk(4 * 1024 * 1024);
	finish();
	expect_all_counted();
}

static const char *path_name(void)
{
	return stage.stream.path->ops->name;
}

/* Out of it and in again, while bytes flow. */
static void test_left_and_entered_again(void **state)
{
	static const struct {
		enum stream_forwarding forwarding;
		const char *name;
	} turns[] = {
		{FORWARD_SOCKMAP, "thread"},
		{FORWARD_SPLICE, "splice"},
		{FORWARD_SOCKMAP, "thread"},
		{FORWARD_COPY, "copy"},
	};
	const uint64_t part = 256 * 1024;

	(void)state;
	for (unsigned n = 1; n <= 24; n++) {
		stage.settings.forwarding = turns[n % 4].forwarding;
		stream_look(&stage.stream);
		talk(n * part);
		for (int i = 0; i < 200 && strcmp(path_name(), turns[n % 4].name) != 0; i++)
			stage_turn(&stage);
		assert_string_equal(path_name(), turns[n % 4].name);
	}
	finish();
	expect_all_counted();
}

static void test_reset(void **state)
{
	char byte;

	(void)state;
	talk(100000);
	const struct linger now = {.l_onoff = 1};
	setsockopt(stage.far[0], SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(stage.far[0]);
	stage.far[0] = -1;
	for (int i = 0; i < 500 && !stage.ended; i++)
		stage_turn(&stage);
	assert_true(stage.ended);
	assert_int_equal(stage.reason, STREAM_RESET_BY_0);
	assert_true(recv(stage.far[1], &byte, 1, 0) < 0 && errno == ECONNRESET);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_both_ways_and_half_closed),
		TEST(test_left_and_entered_again),
		TEST(test_reset),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
