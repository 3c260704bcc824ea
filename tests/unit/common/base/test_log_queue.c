// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/log.h"
#include "common/base/log_queue.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define BACKLOG   (16 * 1024)
#define THREADS   4
#define LINES     5000
#define PATIENCE  120 /* s, after which SIGALRM ends the program */
#define PIPE_SIZE 4096

#define CROWD        8
#define CROWD_LINES  12500 /* of each: 100,000 in all */
#define CROWD_MEMORY (1024 * 1024)

static int saved;
static FILE *reader;

/*
 * The Makefile has the program call these instead of write(2) and poll(2), so
 * that it is seen who waits for the output, and that the output can be slow.
 */
static _Thread_local bool must_not_wait;
static atomic_uint waits;
static atomic_bool slow;
static sem_t entered, may_write;

ssize_t __real_write(int fd, const void *bytes, size_t n);
int __real_poll(struct pollfd *fds, nfds_t n, int timeout);

ssize_t __wrap_write(int fd, const void *bytes, size_t n);
ssize_t __wrap_write(int fd, const void *bytes, size_t n)
{
	if (must_not_wait)
		waits++;
	if (atomic_load(&slow)) {
		sem_post(&entered);
		sem_wait(&may_write);
	}
	return __real_write(fd, bytes, n);
}

int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout)
{
	if (must_not_wait)
		waits++;
	return __real_poll(fds, n, timeout);
}

/* Standard error becomes a pipe of one page. */
static int capture(void **state)
{
	int ends[2];

	(void)state;
	log_setup("test", LOG_INFO, LOG_FORMAT_PLAIN);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_true(fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE) > 0);
	saved = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	reader = fdopen(ends[0], "r");
	alarm(PATIENCE);
	return 0;
}

static int restore(void **state)
{
	(void)state;
	alarm(0);
	dup2(saved, STDERR_FILENO);
	close(saved);
	fclose(reader);
	return 0;
}

/* What the next line says, without the time, the level and the service. */
static const char *next_line(void)
{
	static char line[LOG_LINE_MAX + 1];

	assert_non_null(fgets(line, sizeof(line), reader));
	assert_int_equal(line[strlen(line) - 1], '\n');
	const char *said = strstr(line, " test: ");
	assert_non_null(said);
	return said + strlen(" test: ");
}

/* Lines of one writer, in order, some of them counted only. Returns the next number. */
static unsigned long take(const char *line, unsigned long expected, unsigned long *lost)
{
	unsigned long number;

	if (sscanf(line, "%lu lines are missing", &number) == 1) {
		*lost += number;
		return expected + number;
	}
	assert_int_equal(sscanf(line, "line %lu", &number), 1);
	assert_int_equal(number, expected);
	return expected + 1;
}

static void test_nobody_reads(void **state)
{
	unsigned long written = 0, expected = 0, lost = 0;

	(void)state;
	assert_int_equal(log_queue_start(BACKLOG), 0);
	for (int turn = 0; turn < 3; turn++) {
		for (int i = 0; i < 1000; i++)
			log_info("line %lu", written++);
		/* A part of it is read; what comes then is kept, or counted at its place. */
		for (int i = 0; i < 150; i++)
			expected = take(next_line(), expected, &lost);
	}
	while (expected < written)
		expected = take(next_line(), expected, &lost);
	assert_int_equal(expected, written);
	assert_true(lost > 0);
	/* The pipe, what was kept, and what was read. */
	assert_true(lost <= written - (BACKLOG + PIPE_SIZE) / 64);

	log_info("line %lu", written);
	assert_int_equal(take(next_line(), expected, &lost), written + 1);
	log_queue_stop();
}

static void test_what_is_kept_is_written_at_the_end(void **state)
{
	unsigned long written = 0, expected = 0, lost = 0;

	(void)state;
	assert_int_equal(log_queue_start(1024 * 1024), 0);
	while (written < 200)
		log_info("line %lu", written++);
	/* All but a pipe's full. */
	while (expected < written - PIPE_SIZE / 128)
		expected = take(next_line(), expected, &lost);
	log_queue_stop();
	while (expected < written)
		expected = take(next_line(), expected, &lost);
	assert_int_equal(lost, 0);
}

static void *log_lines(void *arg)
{
	for (int i = 0; i < LINES; i++)
		log_info("thread %d line %d", (int)(intptr_t)arg, i);
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t threads[THREADS];
	int expected[THREADS] = {0};

	(void)state;
	assert_int_equal(log_queue_start(8 * 1024 * 1024), 0);
	for (intptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, log_lines, (void *)i), 0);
	for (int n = 0; n < THREADS * LINES; n++) {
		int thread, number;

		assert_int_equal(sscanf(next_line(), "thread %d line %d", &thread, &number), 2);
		assert_in_range(thread, 0, THREADS - 1);
		assert_int_equal(number, expected[thread]++);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	log_queue_stop();
}

static void *log_in_a_crowd(void *arg)
{
	must_not_wait = true;
	for (int i = 0; i < CROWD_LINES; i++)
		log_info("thread %d line %d", (int)(intptr_t)arg, i);
	return NULL;
}

static void log_by_a_crowd(void)
{
	pthread_t threads[CROWD];

	for (intptr_t i = 0; i < CROWD; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, log_in_a_crowd, (void *)i), 0);
	for (int i = 0; i < CROWD; i++)
		pthread_join(threads[i], NULL);
}

static bool pipe_is_full(void)
{
	struct pollfd end = {.fd = STDERR_FILENO, .events = POLLOUT};

	return poll(&end, 1, 0) == 0;
}

/* Lines are whole, those of a thread in order, and what is missing is told. */
static void read_the_crowd(void)
{
	int next[CROWD] = {0}, thread, number;
	unsigned long seen = 0, lost = 0, told;

	while (seen + lost < (unsigned long)CROWD * CROWD_LINES) {
		const char *line = next_line();

		if (sscanf(line, "%lu lines are missing here", &told) == 1) {
			lost += told;
			continue;
		}
		assert_int_equal(sscanf(line, "thread %d line %d", &thread, &number), 2);
		assert_in_range(thread, 0, CROWD - 1);
		assert_in_range(number, next[thread], CROWD_LINES - 1);
		next[thread] = number + 1;
		seen++;
	}
	assert_int_equal(seen + lost, (unsigned long)CROWD * CROWD_LINES);
	assert_true(lost > 0);
	/* All that there is memory for is kept. */
	assert_true(seen >= CROWD_MEMORY / 2 / 64);
}

static void test_a_crowd_that_nobody_reads(void **state)
{
	(void)state;
	atomic_store(&waits, 0);
	assert_int_equal(log_queue_start(CROWD_MEMORY), 0);
	log_by_a_crowd();
	/* They have all gone on, and not a byte has been read. */
	assert_true(pipe_is_full());
	assert_int_equal(atomic_load(&waits), 0);
	read_the_crowd();
	log_queue_stop();
}

/* As of a disk: write(2) takes its time, though poll(2) would say that there is room. */
static void test_slow_output(void **state)
{
	(void)state;
	atomic_store(&waits, 0);
	sem_init(&entered, 0, 0);
	sem_init(&may_write, 0, 0);
	assert_int_equal(log_queue_start(CROWD_MEMORY), 0);
	atomic_store(&slow, true);
	log_info("thread 0 line 0");
	sem_wait(&entered);
	log_by_a_crowd();
	assert_int_equal(atomic_load(&waits), 0);
	atomic_store(&slow, false);
	sem_post(&may_write);
	assert_string_equal(next_line(), "thread 0 line 0\n");
	read_the_crowd();
	log_queue_stop();
}

/* The lock may be held by another thread, and the thread that writes is not there. */
static void test_a_child_writes_for_itself(void **state)
{
	int status;

	(void)state;
	sem_init(&entered, 0, 0);
	sem_init(&may_write, 0, 0);
	assert_int_equal(log_queue_start(BACKLOG), 0);
	atomic_store(&slow, true);
	log_info("line 0");
	sem_wait(&entered);
	log_info("line 1");
	atomic_store(&slow, false);
	pid_t child = fork();
	if (child == 0) {
		log_info("child");
		log_queue_stop();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_string_equal(next_line(), "child\n");
	sem_post(&may_write);
	assert_string_equal(next_line(), "line 0\n");
	assert_string_equal(next_line(), "line 1\n");
	log_queue_stop();
}

static void test_after_the_stop_lines_are_written_at_once(void **state)
{
	(void)state;
	assert_int_equal(log_queue_start(BACKLOG), 0);
	log_info("line 0");
	log_queue_stop();
	log_queue_stop();
	must_not_wait = true;
	atomic_store(&waits, 0);
	log_info("line 1");
	assert_int_equal(atomic_load(&waits), 1);
	must_not_wait = false;
	assert_string_equal(next_line(), "line 0\n");
	assert_string_equal(next_line(), "line 1\n");
}

/* The last test: the thread goes on, as long as the process does. */
static void test_stop_does_not_wait_for_a_reader(void **state)
{
	unsigned long written = 0, expected = 0, lost = 0;

	(void)state;
	assert_int_equal(log_queue_start(BACKLOG), 0);
	while (written < 1000)
		log_info("line %lu", written++);
	log_queue_stop();
	log_info("line %lu", written++);
	while (expected < written)
		expected = take(next_line(), expected, &lost);
	assert_true(lost > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nobody_reads, capture, restore),
		cmocka_unit_test_setup_teardown(test_what_is_kept_is_written_at_the_end, capture,
						restore),
		cmocka_unit_test_setup_teardown(test_threads, capture, restore),
		cmocka_unit_test_setup_teardown(test_a_crowd_that_nobody_reads, capture, restore),
		cmocka_unit_test_setup_teardown(test_slow_output, capture, restore),
		cmocka_unit_test_setup_teardown(test_a_child_writes_for_itself, capture, restore),
		cmocka_unit_test_setup_teardown(test_after_the_stop_lines_are_written_at_once,
						capture, restore),
		cmocka_unit_test_setup_teardown(test_stop_does_not_wait_for_a_reader, capture,
						restore),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
