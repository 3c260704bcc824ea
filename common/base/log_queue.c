// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/log_queue.h"

#include "common/base/clock.h"
#include "common/base/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STOP_PATIENCE_S 1
/*
 * Lines that come within this time are written together. Without it each line
 * would wake the thread, which costs those who log more than the line does.
 */
#define GATHER_MS 2

/* Lines, and how many did not fit behind them. */
struct batch {
	char *bytes;
	size_t used;
	unsigned long lost;
};

/*
 * Two batches: one is filled while the thread writes the other. The lock is
 * held for as long as it takes to copy a line, never over a system call that
 * waits for the output; but for the time when the queue does not run, in which
 * it keeps lines whole.
 */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* for the thread: lines have come, or the end */
	pthread_cond_t ended;   /* for log_queue_stop() */
	pthread_t thread;
	struct batch filling, written;
	size_t batch_size;
	bool running;  /* the thread will write what is put into `filling` */
	bool idle;     /* it sleeps until lines come */
	bool stopping; /* it ends as soon as all is written */
} queue = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
	.ended = PTHREAD_COND_INITIALIZER,
};

/* Nothing sensible can be done when the log itself cannot be written. */
static void write_all(const char *bytes, size_t n)
{
	struct pollfd writable = {.fd = STDERR_FILENO, .events = POLLOUT};

	while (n > 0) {
		ssize_t written = write(STDERR_FILENO, bytes, n);
		if (written < 0 && errno == EAGAIN)
			(void)poll(&writable, 1, -1);
		else if (written < 0 && errno != EINTR)
			return;
		if (written > 0) {
			bytes += written;
			n -= (size_t)written;
		}
	}
}

/* Whole lines at a time, and no more than a pipe takes without mixing them with others'. */
static void write_lines(const char *bytes, size_t n)
{
	while (n > 0) {
		size_t part = n;
		if (part > PIPE_BUF)
			part = (size_t)((const char *)memrchr(bytes, '\n', PIPE_BUF) + 1 - bytes);
		write_all(bytes, part);
		bytes += part;
		n -= part;
	}
}

static void write_batch(const struct batch *batch)
{
	char line[LOG_LINE_MAX];

	write_lines(batch->bytes, batch->used);
	if (batch->lost == 0)
		return;
	write_all(line, log_format_line(line, LOG_WARN, __func__,
					"%lu lines are missing here: standard error was not read",
					batch->lost));
}

static bool has_lines(void)
{
	return queue.filling.used > 0 || queue.filling.lost > 0;
}

static struct timespec in_ms(int64_t ms)
{
	uint64_t at = clock_now() + (uint64_t)ms * NS_PER_MS;

	return (struct timespec){(time_t)(at / NS_PER_S), (long)(at % NS_PER_S)};
}

static bool is_half_full(void)
{
	return queue.filling.used >= queue.batch_size / 2;
}

static void wait_for_lines(void)
{
	int r = 0;

	queue.idle = true;
	while (!has_lines() && !queue.stopping)
		pthread_cond_wait(&queue.changed, &queue.lock);
	queue.idle = false;
	struct timespec until = in_ms(GATHER_MS);
	while (!is_half_full() && !queue.stopping && r == 0)
		r = pthread_cond_clockwait(&queue.changed, &queue.lock, CLOCK_MONOTONIC, &until);
}

static void *run(void *arg)
{
	pthread_mutex_lock(&queue.lock);
	for (;;) {
		wait_for_lines();
		if (!has_lines())
			break;
		struct batch taken = queue.filling;
		queue.filling = queue.written;
		queue.written = taken;
		pthread_mutex_unlock(&queue.lock);
		write_batch(&taken);
		pthread_mutex_lock(&queue.lock);
		queue.written.used = 0;
		queue.written.lost = 0;
	}
	/* Not in log_queue_stop(): lines that come before it looks would be lost. */
	queue.running = false;
	pthread_cond_broadcast(&queue.ended);
	pthread_mutex_unlock(&queue.lock);
	return arg;
}

static void free_batches(void)
{
	free(queue.filling.bytes);
	free(queue.written.bytes);
	queue.filling = queue.written = (struct batch){0};
}

/* What the parent has kept, it writes itself. */
static void after_fork_in_child(void)
{
	queue.lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	queue.changed = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	queue.ended = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	queue.running = false;
}

static int start_thread(void)
{
	static bool handled;
	sigset_t all, before;

	if (!handled && pthread_atfork(NULL, NULL, after_fork_in_child) != 0)
		return -ENOMEM;
	handled = true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = -pthread_create(&queue.thread, NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

int log_queue_start(size_t bytes)
{
	int r = -ENOMEM;

	pthread_mutex_lock(&queue.lock);
	queue.batch_size = bytes / 2;
	queue.filling = (struct batch){.bytes = malloc(queue.batch_size)};
	queue.written = (struct batch){.bytes = malloc(queue.batch_size)};
	queue.stopping = false;
	if (queue.filling.bytes && queue.written.bytes)
		r = start_thread();
	queue.running = r == 0;
	if (r < 0)
		free_batches();
	pthread_mutex_unlock(&queue.lock);
	return r;
}

void log_queue_stop(void)
{
	int r = 0;

	pthread_mutex_lock(&queue.lock);
	bool first = queue.running && !queue.stopping;
	if (first) {
		struct timespec until = in_ms(STOP_PATIENCE_S * 1000);

		queue.stopping = true;
		pthread_cond_signal(&queue.changed);
		while (queue.running && r == 0)
			r = pthread_cond_clockwait(&queue.ended, &queue.lock, CLOCK_MONOTONIC,
						   &until);
	}
	/* A thread that hangs in write(2) ends with the process; lines are kept meanwhile. */
	bool ended = first && !queue.running;
	pthread_mutex_unlock(&queue.lock);
	if (!ended)
		return;
	pthread_join(queue.thread, NULL);
	free_batches();
}

/* Or counted, if there is no room. */
static void keep(const char *line, size_t length)
{
	struct batch *batch = &queue.filling;
	bool was_half_full = is_half_full();

	if (batch->lost > 0 || length > queue.batch_size - batch->used) {
		batch->lost++;
	} else {
		memcpy(batch->bytes + batch->used, line, length);
		batch->used += length;
	}
	if (queue.idle || (!was_half_full && is_half_full()))
		pthread_cond_signal(&queue.changed);
}

void log_queue_put(const char *line, size_t length)
{
	pthread_mutex_lock(&queue.lock);
	if (queue.running)
		keep(line, length);
	else
		write_all(line, length);
	pthread_mutex_unlock(&queue.lock);
}
