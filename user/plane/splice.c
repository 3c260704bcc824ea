// SPDX-License-Identifier: BSD-2-Clause
#include "common/loop/socket.h"
#include "user/plane/move.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define ROUNDS 8
/* What moves in one turn of a bulk stream whose destination has room: fewer, larger steps cost less
 * (docs/performance.md). The largest pipe that /proc/sys/fs/pipe-max-size allows by default. */
#define LARGE_PIPE (1024 * 1024)
/* They are lent only where they can be emptied at once, so a few serve all streams; the kernel
 * limits a user's pages in pipes (pipe-user-pages-soft). */
#define LARGE_PIPES 4

/* Pipes are two descriptors and an array of slots each: kept for the next burst rather than made
 * anew. */
struct pipe_pool {
	unsigned n, most;
	struct stream_pipe *pipes;
	unsigned n_large, made_large;
	bool no_large; /* to be had */
	struct stream_pipe large[LARGE_PIPES];
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

static void close_pipe(struct pipe_pool *pool, struct stream_pipe *pipe)
{
	if (pipe->bytes > STREAM_CHUNK)
		pool->made_large--;
	(void)close(pipe->fds[0]);
	(void)close(pipe->fds[1]);
	*pipe = STREAM_NO_PIPE;
}

void pipe_pool_free(struct pipe_pool *pool)
{
	if (!pool)
		return;
	while (pool->n > 0)
		close_pipe(pool, &pool->pipes[--pool->n]);
	while (pool->n_large > 0)
		close_pipe(pool, &pool->large[--pool->n_large]);
	free(pool->pipes);
	free(pool);
}

static int make_pipe(struct stream_pipe *ret)
{
	struct stream_pipe made = {.bytes = STREAM_CHUNK};

	if (pipe2(made.fds, O_NONBLOCK | O_CLOEXEC) < 0)
		return -errno;
	/* Two slots only where the user has too many pages in pipes: not one to keep. */
	int bytes = fcntl(made.fds[0], F_GETPIPE_SZ);
	if (bytes > 0 && bytes < STREAM_CHUNK)
		made.bytes = (uint32_t)bytes;
	*ret = made;
	return 0;
}

/* A large one, if that is worth it for `wanted` bytes and one is to be had. */
static bool borrow_large(struct pipe_pool *pool, size_t wanted, struct stream_pipe *ret)
{
	if (wanted <= STREAM_CHUNK)
		return false;
	if (pool->n_large > 0) {
		*ret = pool->large[--pool->n_large];
		return true;
	}
	if (pool->made_large == LARGE_PIPES || pool->no_large || make_pipe(ret) < 0)
		return false;
	/* Over the user's share, or over pipe-max-size: not asked for again. */
	if (fcntl(ret->fds[0], F_SETPIPE_SZ, LARGE_PIPE) < LARGE_PIPE) {
		pool->no_large = true;
		close_pipe(pool, ret);
		return false;
	}
	ret->bytes = LARGE_PIPE;
	pool->made_large++;
	return true;
}

static int borrow(struct pipe_pool *pool, size_t wanted, struct stream_pipe *ret)
{
	if (borrow_large(pool, wanted, ret))
		return 0;
	if (pool->n == 0)
		return make_pipe(ret);
	*ret = pool->pipes[--pool->n];
	return 0;
}

void splice_done(struct stream *stream, int i)
{
	struct stream_direction *direction = &stream->directions[i];
	struct stream_pipe *pipe = &direction->pipe;
	struct pipe_pool *pool = stream->plane->pipes;

	if (pipe->fds[0] < 0)
		return;
	if (direction->in_pipe > 0)
		close_pipe(pool, pipe);
	else if (pipe->bytes > STREAM_CHUNK)
		pool->large[pool->n_large++] = *pipe;
	else if (pipe->bytes == STREAM_CHUNK && pool->n < pool->most)
		pool->pipes[pool->n++] = *pipe;
	else
		close_pipe(pool, pipe);
	*pipe = STREAM_NO_PIPE;
	direction->in_pipe = 0;
}

static enum move_result empty_pipe(struct stream_direction *direction, struct stream_end *to)
{
	while (direction->in_pipe > 0) {
		ssize_t n = splice(direction->pipe.fds[0], NULL, to->watch.fd, NULL,
				   direction->in_pipe, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
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

/* How much to take from the source: what the destination takes at once, so that next to nothing
 * is left in the pipe when it blocks. */
static size_t next_step(const struct stream_end *to)
{
	size_t room = socket_send_room(to->watch.fd);

	return room < 2 * STREAM_CHUNK ? STREAM_CHUNK : room;
}

static enum move_result fill_and_empty(struct stream *stream, int i, size_t step)
{
	struct stream_direction *direction = &stream->directions[i];
	struct stream_end *from = &stream->ends[i], *to = &stream->ends[!i];
	size_t moved = 0;

	enum move_result r = empty_pipe(direction, to);
	for (int round = 0; round < ROUNDS && r == MOVE_DRY; round++) {
		if (step > direction->pipe.bytes)
			step = direction->pipe.bytes;
		ssize_t n = splice(from->watch.fd, NULL, direction->pipe.fds[1], NULL, step,
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
		moved += (size_t)n;
		r = empty_pipe(direction, to);
		step = next_step(to);
		/* A large pipe is given back before what may stay in it for long. */
		if (r == MOVE_DRY &&
		    (round == ROUNDS - 1 || moved >= LARGE_PIPE ||
		     (step <= STREAM_CHUNK && direction->pipe.bytes > STREAM_CHUNK)))
			return MOVE_MORE;
	}
	return r;
}

enum move_result splice_move(struct stream *stream, int i)
{
	struct stream_direction *direction = &stream->directions[i];
	size_t step = next_step(&stream->ends[!i]);

	/* Bytes that the copying path has left over go first. */
	if (direction->pending)
		return copy_move(stream, i);
	if (direction->pipe.fds[0] < 0 && borrow(stream->plane->pipes, step, &direction->pipe) < 0)
		return copy_move(stream, i);
	enum move_result r = fill_and_empty(stream, i, step);
	if (direction->in_pipe == 0)
		splice_done(stream, i);
	return r;
}
