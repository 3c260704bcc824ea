// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/log_queue.h"

#include "common/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STOP_PATIENCE_S 1

/* Lines, and how many did not fit behind them. */
struct batch {
	char *bytes;
	size_t used;
	unsigned long lost;
};

/*
 * Two batches: one is filled while the thread writes the other, without the
 * lock. A line is written directly only while both are empty, so they keep
 * their order.
 */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	struct batch filling, written;
	size_t batch_size;
	bool running, writing, stopping, ended;
	int direct; /* standard error, where a line can be written without waiting; or -1 */
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .direct = -1};

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

static bool is_behind(void)
{
	return queue.writing || queue.filling.used > 0 || queue.filling.lost > 0;
}

static void *run(void *arg)
{
	pthread_mutex_lock(&queue.lock);
	for (;;) {
		while (!is_behind() && !queue.stopping)
			pthread_cond_wait(&queue.changed, &queue.lock);
		if (!is_behind())
			break;
		struct batch taken = queue.filling;
		queue.filling = queue.written;
		queue.written = taken;
		queue.writing = true;
		pthread_mutex_unlock(&queue.lock);
		write_batch(&taken);
		pthread_mutex_lock(&queue.lock);
		queue.written.used = 0;
		queue.written.lost = 0;
		queue.writing = false;
	}
	queue.ended = true;
	pthread_cond_broadcast(&queue.changed);
	pthread_mutex_unlock(&queue.lock);
	return arg;
}

static void free_batches(void)
{
	free(queue.filling.bytes);
	free(queue.written.bytes);
	queue.filling.bytes = queue.written.bytes = NULL;
}

/*
 * poll(2) says that a terminal is writable while there is room for a part of a
 * line, and a pipe while nobody else has taken the room. So a terminal is left
 * to the thread, and a pipe gets a description of its own that does not block:
 * up to PIPE_BUF is then written whole, or not at all (pipe(7)).
 */
static int open_direct(void)
{
	struct stat kind;

	if (fstat(STDERR_FILENO, &kind) < 0 || isatty(STDERR_FILENO))
		return -1;
	if (S_ISFIFO(kind.st_mode))
		return open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	return STDERR_FILENO;
}

static void close_direct(void)
{
	if (queue.direct >= 0 && queue.direct != STDERR_FILENO)
		close(queue.direct);
	queue.direct = -1;
}

int log_queue_start(size_t bytes)
{
	sigset_t all, before;

	queue.batch_size = bytes / 2;
	queue.filling = (struct batch){.bytes = malloc(queue.batch_size)};
	queue.written = (struct batch){.bytes = malloc(queue.batch_size)};
	if (!queue.filling.bytes || !queue.written.bytes) {
		free_batches();
		return -ENOMEM;
	}
	queue.stopping = queue.ended = false;
	queue.direct = open_direct();
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = -pthread_create(&queue.thread, NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r < 0) {
		close_direct();
		free_batches();
	}
	queue.running = r == 0;
	return r;
}

void log_queue_stop(void)
{
	struct timespec until;
	int r = 0;

	if (!queue.running)
		return;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_PATIENCE_S;
	pthread_mutex_lock(&queue.lock);
	queue.stopping = true;
	pthread_cond_broadcast(&queue.changed);
	while (!queue.ended && r == 0)
		r = pthread_cond_timedwait(&queue.changed, &queue.lock, &until);
	/* A thread that hangs in write(2) ends with the process. */
	queue.running = !queue.ended;
	pthread_mutex_unlock(&queue.lock);
	if (queue.running)
		return;
	pthread_join(queue.thread, NULL);
	close_direct();
	free_batches();
}

/* False: it would have to wait, or to overtake others. */
static bool write_directly(const char *line, size_t length)
{
	struct pollfd writable = {.fd = queue.direct, .events = POLLOUT};

	if (is_behind() || queue.direct < 0 || poll(&writable, 1, 0) == 0)
		return false;
	ssize_t written = write(queue.direct, line, length);
	if (written < 0 && errno == EAGAIN)
		return false;
	if (written > 0 && (size_t)written < length)
		write_all(line + written, length - (size_t)written);
	return true;
}

void log_queue_put(const char *line, size_t length)
{
	struct batch *batch = &queue.filling;

	pthread_mutex_lock(&queue.lock);
	if (!queue.running) {
		write_all(line, length);
	} else if (write_directly(line, length)) {
		/* Done, as nearly always. */
	} else if (batch->lost > 0 || length > queue.batch_size - batch->used) {
		batch->lost++;
	} else {
		memcpy(batch->bytes + batch->used, line, length);
		batch->used += length;
		pthread_cond_broadcast(&queue.changed);
	}
	pthread_mutex_unlock(&queue.lock);
}
