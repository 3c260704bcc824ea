// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/log.h"
#include "common/base/log_queue.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define BACKLOG   (16 * 1024)
#define THREADS   4
#define LINES     5000
#define PATIENCE  120 /* s, after which SIGALRM ends the program */
#define PIPE_SIZE 4096

static int saved;
static FILE *reader;

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
		cmocka_unit_test_setup_teardown(test_stop_does_not_wait_for_a_reader, capture,
						restore),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
