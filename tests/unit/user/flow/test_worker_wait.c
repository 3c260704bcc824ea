// SPDX-License-Identifier: BSD-2-Clause
/* When a worker lets others run before it sleeps. */
#include "user/flow/worker_wait.h"

#include "common/base/clock.h"
#include "user/flow/connection.h"
#include "user/flow/worker.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#define PAIRS   8
#define OLD     (NS_PER_S)
#define TIMEOUT (2 * NS_PER_MS)

static unsigned yields;
static int written_meanwhile = -1; /* a pipe's end: what another program does with its turn */

static bool refuses; /* a filter of system calls does */

/* In place of the C library's, as what follows. */
int epoll_pwait2(int epoll, struct epoll_event *events, int most, const struct timespec *timeout,
		 const sigset_t *mask)
{
	if (!refuses)
		return (int)syscall(SYS_epoll_pwait2, epoll, events, most, timeout, mask, 0);
	errno = EPERM;
	return -1;
}

int sched_yield(void)
{
	yields++;
	if (written_meanwhile >= 0)
		assert_int_equal(write(written_meanwhile, "x", 1), 1);
	return 0;
}

static void never(struct timer *timer)
{
	(void)timer;
}

struct scene {
	struct config config;
	struct worker worker;
	struct connection pairs[PAIRS];
	struct timer timer;
	int pipe[2];
};

/* `young` of the pairs have just begun. The worker's timer ends each sleep. */
static struct scene *scene(unsigned yield_at, unsigned old, unsigned young)
{
	static struct scene s;
	uint64_t now = clock_now();

	memset(&s, 0, sizeof(s));
	yields = 0;
	written_meanwhile = -1;
	s.config.yield_at = yield_at;
	s.worker.config = &s.config;
	s.worker.epoll = epoll_create1(EPOLL_CLOEXEC);
	assert_true(s.worker.epoll >= 0);
	assert_int_equal(pipe(s.pipe), 0);
	struct epoll_event event = {.events = EPOLLIN};
	assert_int_equal(epoll_ctl(s.worker.epoll, EPOLL_CTL_ADD, s.pipe[0], &event), 0);
	TAILQ_INIT(&s.worker.states[CONNECTION_PAIR]);
	for (unsigned i = 0; i < old + young; i++) {
		s.pairs[i].stream.started = i < old ? now - OLD : now;
		TAILQ_INSERT_TAIL(&s.worker.states[CONNECTION_PAIR], &s.pairs[i], in_state);
	}
	s.timer.fire = never;
	timer_arm(&s.worker.timers, &s.timer, now + TIMEOUT);
	return &s;
}

static int wait_in(struct scene *s, bool busy)
{
	struct epoll_event events[4];
	int n = worker_wait(&s->worker, events, 4, busy);

	close(s->worker.epoll);
	close(s->pipe[0]);
	close(s->pipe[1]);
	return n;
}

static void with_many_new_connections(void **state)
{
	(void)state;
	uint64_t begin = clock_now();
	assert_int_equal(wait_in(scene(4, 0, 4), true), 0);
	assert_int_equal(yields, 1);
	assert_true(clock_now() - begin >= TIMEOUT);
}

static void what_others_cause_is_taken(void **state)
{
	(void)state;
	struct scene *s = scene(4, 2, 5);
	written_meanwhile = s->pipe[1];
	assert_int_equal(wait_in(s, true), 1);
	assert_int_equal(yields, 1);
}

static void not_when_there_is_work(void **state)
{
	(void)state;
	struct scene *s = scene(4, 0, 8);
	assert_int_equal(write(s->pipe[1], "x", 1), 1);
	assert_int_equal(wait_in(s, true), 1);
	assert_int_equal(yields, 0);
}

static void not_otherwise(void **state)
{
	static const struct {
		unsigned yield_at, old, young;
		bool busy;
	} cases[] = {
		{4, 0, 8, false}, /* nothing has happened: a timer, say */
		{4, 0, 3, true},  /* few */
		{4, 5, 3, true},  /* many, but few new ones */
		{4, 8, 0, true},  /* all old */
		{1, 0, 0, true},  /* none */
		{0, 0, 8, true},  /* by the settings */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scene *s = scene(cases[i].yield_at, cases[i].old, cases[i].young);
		assert_int_equal(wait_in(s, cases[i].busy), 0);
		assert_int_equal(yields, 0);
	}
}

/* The last: from then on the process does not ask again. */
static void where_a_filter_refuses(void **state)
{
	(void)state;
	refuses = true;
	uint64_t begin = clock_now();
	assert_int_equal(wait_in(scene(4, 0, 0), false), 0);
	assert_true(clock_now() - begin >= TIMEOUT);
	struct scene *s = scene(4, 0, 0);
	assert_int_equal(write(s->pipe[1], "x", 1), 1);
	assert_int_equal(wait_in(s, false), 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_many_new_connections),
		cmocka_unit_test(what_others_cause_is_taken),
		cmocka_unit_test(not_when_there_is_work),
		cmocka_unit_test(not_otherwise),
		cmocka_unit_test(where_a_filter_refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
