// SPDX-License-Identifier: BSD-2-Clause
#include "user/plane/move.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define ROUNDS 8

/* Pipes are two descriptors and 64 KiB of pages each: kept for the next burst rather than made
 * anew. */
struct pipe_pool {
	unsigned n, most;
	int (*pipes)[2];
};

struct pipe_pool *pipe_pool_new(unsigned most)
{
	struct pipe_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	pool->pipes = calloc(most, sizeof(*pool->pipes));
	if (!pool->pipes) {
		free(pool);
		return NULL;
	}
	pool->most = most;
	return pool;
}

static void close_pipe(int fds[2])
{
	(void)close(fds[0]);
	(void)close(fds[1]);
	fds[0] = fds[1] = -1;
}

void pipe_pool_free(struct pipe_pool *pool)
{
	if (!pool)
		return;
	while (pool->n > 0)
		close_pipe(pool->pipes[--pool->n]);
	free(pool->pipes);
	free(pool);
}

static int borrow(struct pipe_pool *pool, int ret[2])
{
	if (pool->n > 0) {
		pool->n--;
		ret[0] = pool->pipes[pool->n][0];
		ret[1] = pool->pipes[pool->n][1];
		return 0;
	}
	return pipe2(ret, O_NONBLOCK | O_CLOEXEC) < 0 ? -errno : 0;
}

void splice_done(struct stream *stream, int i)
{
	struct stream_direction *direction = &stream->directions[i];
	struct pipe_pool *pool = stream->plane->pipes;

	if (direction->pipe[0] < 0)
		return;
	if (direction->in_pipe == 0 && pool->n < pool->most) {
		pool->pipes[pool->n][0] = direction->pipe[0];
		pool->pipes[pool->n][1] = direction->pipe[1];
		pool->n++;
		direction->pipe[0] = direction->pipe[1] = -1;
	} else {
		close_pipe(direction->pipe);
	}
	direction->in_pipe = 0;
}

static enum move_result empty_pipe(struct stream_direction *direction, struct stream_end *to)
{
	while (direction->in_pipe > 0) {
		ssize_t n = splice(direction->pipe[0], NULL, to->watch.fd, NULL, direction->in_pipe,
				   SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			if (errno == ENOMEM || errno == ENOBUFS)
				return MOVE_WAIT;
			return errno == EAGAIN ? MOVE_BLOCKED : MOVE_RESET_OUT;
		}
		direction->in_pipe -= (uint32_t)n;
		to->sent += (uint64_t)n;
	}
	return MOVE_DRY;
}

static enum move_result fill_and_empty(struct stream *stream, int i)
{
	struct stream_direction *direction = &stream->directions[i];
	struct stream_end *from = &stream->ends[i], *to = &stream->ends[!i];

	enum move_result r = empty_pipe(direction, to);
	for (int round = 0; round < ROUNDS && r == MOVE_DRY; round++) {
		ssize_t n = splice(from->watch.fd, NULL, direction->pipe[1], NULL, STREAM_CHUNK,
				   SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			if (errno != EAGAIN)
				return MOVE_RESET_IN;
			if (round > 0)
				return MOVE_DRY;
		}
		/*
		 * tcp_read_sock() stops at an urgent byte: splice() says EAGAIN while epoll says
		 * readable, and end of file before the last byte. recv() knows the truth.
		 */
		if (n <= 0)
			return copy_move(stream, i);
		from->read += (uint64_t)n;
		direction->in_pipe += (uint32_t)n;
		r = empty_pipe(direction, to);
		if (r == MOVE_DRY && round == ROUNDS - 1)
			r = MOVE_MORE;
	}
	return r;
}

enum move_result splice_move(struct stream *stream, int i)
{
	struct stream_direction *direction = &stream->directions[i];

	/* Bytes that the copying path has left over go first. */
	if (direction->pending)
		return copy_move(stream, i);
	if (direction->pipe[0] < 0 && borrow(stream->plane->pipes, direction->pipe) < 0)
		return copy_move(stream, i);
	enum move_result r = fill_and_empty(stream, i);
	if (direction->in_pipe == 0)
		splice_done(stream, i);
	return r;
}
