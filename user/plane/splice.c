// SPDX-License-Identifier: BSD-2-Clause
#include "user/plane/splice.h"

#include "common/loop/socket.h"
#include "user/plane/copy.h"

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
/* Kept by a worker for the next burst. */
#define SPARE_PIPES 64

/* Lent by the worker while bytes are in it. */
struct pipe {
	int fds[2];     /* to read from, to write to */
	uint32_t bytes; /* that it holds at most; 0: no pipe */
};

/* Of a stream; how much is in a pipe is stream_direction.held. */
struct splice_stream {
	struct pipe pipes[2]; /* one a direction */
};

/* Pipes are two descriptors and an array of slots each: kept for the next burst rather than made
 * anew. */
struct pipe_pool {
	unsigned n;
	struct pipe pipes[SPARE_PIPES];
	unsigned n_large, made_large;
	bool no_large; /* to be had */
	struct pipe large[LARGE_PIPES];
};

static int open_pool(struct path *path, void *shared, unsigned worker)
{
	(void)shared, (void)worker;
	path->own = calloc(1, sizeof(struct pipe_pool));
	return path->own ? 0 : -ENOMEM;
}

static void close_pipe(struct pipe_pool *pool, struct pipe *pipe)
{
	if (pipe->bytes > STREAM_CHUNK)
		pool->made_large--;
	(void)close(pipe->fds[0]);
	(void)close(pipe->fds[1]);
	pipe->bytes = 0;
}

static void close_pool(struct path *path)
{
	struct pipe_pool *pool = path->own;

	if (!pool)
		return;
	while (pool->n > 0)
		close_pipe(pool, &pool->pipes[--pool->n]);
	while (pool->n_large > 0)
		close_pipe(pool, &pool->large[--pool->n_large]);
	free(pool);
	path->own = NULL;
}

static int make_pipe(struct pipe *ret)
{
	struct pipe made = {.bytes = STREAM_CHUNK};

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
static bool borrow_large(struct pipe_pool *pool, size_t wanted, struct pipe *ret)
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

static int borrow(struct pipe_pool *pool, size_t wanted, struct pipe *ret)
{
	if (borrow_large(pool, wanted, ret))
		return 0;
	if (pool->n == 0)
		return make_pipe(ret);
	*ret = pool->pipes[--pool->n];
	return 0;
}

static struct pipe *pipe_of(const struct stream *stream, int i)
{
	return &((struct splice_stream *)stream->path_state)->pipes[i];
}

/* Give an empty pipe back to the pool, close one that still holds bytes. */
static void give_back(struct stream *stream, int i)
{
	struct stream_direction *direction = &stream->directions[i];
	struct pipe *pipe = pipe_of(stream, i);
	struct pipe_pool *pool = stream->path->own;

	if (!pipe->bytes)
		return;
	if (direction->held > 0)
		close_pipe(pool, pipe);
	else if (pipe->bytes > STREAM_CHUNK)
		pool->large[pool->n_large++] = *pipe;
	else if (pipe->bytes == STREAM_CHUNK && pool->n < SPARE_PIPES)
		pool->pipes[pool->n++] = *pipe;
	else
		close_pipe(pool, pipe);
	pipe->bytes = 0;
	direction->held = 0;
}

static enum move_result empty_pipe(struct stream_direction *direction, const struct pipe *pipe,
				   struct stream_end *to)
{
	while (direction->held > 0) {
		ssize_t n = splice(pipe->fds[0], NULL, to->watch.fd, NULL, direction->held,
				   SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			if (errno == ENOMEM || errno == ENOBUFS)
				return MOVE_WAIT;
			return errno == EAGAIN ? MOVE_BLOCKED : MOVE_RESET_OUT;
		}
		direction->held -= (uint32_t)n;
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
	const struct pipe *pipe = pipe_of(stream, i);
	size_t moved = 0;

	enum move_result r = empty_pipe(direction, pipe, to);
	for (int round = 0; round < ROUNDS && r == MOVE_DRY; round++) {
		if (step > pipe->bytes)
			step = pipe->bytes;
		ssize_t n = splice(from->watch.fd, NULL, pipe->fds[1], NULL, step,
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
		direction->held += (uint32_t)n;
		moved += (size_t)n;
		r = empty_pipe(direction, pipe, to);
		step = next_step(to);
		/* A large pipe is given back before what may stay in it for long. */
		if (r == MOVE_DRY && (round == ROUNDS - 1 || moved >= LARGE_PIPE ||
				      (step <= STREAM_CHUNK && pipe->bytes > STREAM_CHUNK)))
			return MOVE_MORE;
	}
	return r;
}

static enum move_result move(struct stream *stream, int i)
{
	struct stream_direction *direction = &stream->directions[i];
	struct pipe *pipe = pipe_of(stream, i);
	size_t step = next_step(&stream->ends[!i]);

	/* Bytes that the copying path has left over go first. */
	if (direction->pending)
		return copy_move(stream, i);
	if (!pipe->bytes && borrow(stream->path->own, step, pipe) < 0)
		return copy_move(stream, i);
	enum move_result r = fill_and_empty(stream, i, step);
	if (direction->held == 0)
		give_back(stream, i);
	return r;
}

static enum leave_result leave(struct stream *stream)
{
	return stream->directions[0].held || stream->directions[1].held ? LEAVE_BUSY : LEAVE_DONE;
}

static void forget(struct stream *stream)
{
	for (int i = 0; i < 2; i++)
		give_back(stream, i);
}

const struct path_ops splice_path = {
	.name = "splice",
	.state_bytes = sizeof(struct splice_stream),
	.open = open_pool,
	.close = close_pool,
	.leave = leave,
	.forget = forget,
	.move = move,
};
