// SPDX-License-Identifier: BSD-2-Clause
#include "user/plane/copy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Then the worker's other connections get their turn. */
#define ROUNDS 8

/*
 * The kernel is out of memory for this socket. EFAULT is what tcp_sendmsg()
 * makes of it for a socket with unread passed bytes: docs/kernel.md, "TCP
 * memory". Nothing has been taken.
 */
static bool is_shortage(int error)
{
	return error == ENOMEM || error == ENOBUFS || error == EFAULT;
}

/* Bytes sent, fewer when the destination is blocked or *ret_why tells why, -errno. */
static ssize_t send_some(struct stream_end *to, const char *bytes, size_t n,
			 enum move_result *ret_why)
{
	size_t done = 0;

	while (done < n) {
		ssize_t sent =
			send(to->watch.fd, bytes + done, n - done, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0) {
			if (errno == EINTR)
				continue;
			if (errno != EAGAIN && !is_shortage(errno))
				return -errno;
			*ret_why = errno == EAGAIN ? MOVE_BLOCKED : MOVE_WAIT;
			break;
		}
		done += (size_t)sent;
		to->sent += (uint64_t)sent;
	}
	return (ssize_t)done;
}

static enum move_result flush(struct stream_direction *direction, struct stream_end *to)
{
	enum move_result why = MOVE_BLOCKED;
	ssize_t sent = send_some(to, direction->pending + direction->pending_start,
				 direction->pending_end - direction->pending_start, &why);

	if (sent < 0)
		return MOVE_RESET_OUT;
	direction->pending_start += (uint32_t)sent;
	if (direction->pending_start < direction->pending_end)
		return why;
	free(direction->pending);
	direction->pending = NULL;
	return MOVE_DRY;
}

static enum move_result received(struct stream *stream, int i)
{
	const struct path_ops *ops = stream->path->ops;

	return ops->received ? ops->received(stream, i) : MOVE_DRY;
}

/* MOVE_DRY: go on. */
static enum move_result clear_to_send(struct stream *stream, int i)
{
	const struct path_ops *ops = stream->path->ops;

	return ops->clear_to_send ? ops->clear_to_send(stream, i) : MOVE_DRY;
}

static enum move_result keep(struct stream_direction *direction, const char *bytes, size_t n,
			     enum move_result why)
{
	direction->pending = malloc(n);
	if (!direction->pending)
		return MOVE_NO_MEMORY;
	memcpy(direction->pending, bytes, n);
	direction->pending_start = 0;
	direction->pending_end = (uint32_t)n;
	return why;
}

enum move_result copy_move(struct stream *stream, int i)
{
	struct stream_direction *direction = &stream->directions[i];
	struct stream_end *from = &stream->ends[i], *to = &stream->ends[!i];
	char *scratch = stream->plane->scratch;

	if (direction->pending) {
		enum move_result r = clear_to_send(stream, i);
		if (r == MOVE_DRY)
			r = flush(direction, to);
		if (r != MOVE_DRY)
			return r;
	}
	for (int round = 0; round < ROUNDS; round++) {
		ssize_t n = recv(from->watch.fd, scratch, STREAM_CHUNK, MSG_DONTWAIT);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return errno == EAGAIN ? MOVE_DRY : MOVE_RESET_IN;
		}
		if (n == 0)
			return MOVE_EOF;
		from->read += (uint64_t)n;
		enum move_result fine = received(stream, i);
		if (fine != MOVE_DRY)
			return fine;
		/* After recv(), not before: a path may have been given the direction meanwhile. */
		enum move_result clear = clear_to_send(stream, i);
		if (clear == MOVE_WAIT)
			return keep(direction, scratch, (size_t)n, MOVE_WAIT);
		enum move_result why = MOVE_BLOCKED;
		ssize_t sent = clear == MOVE_DRY ? send_some(to, scratch, (size_t)n, &why) : -1;
		if (sent < 0)
			return MOVE_RESET_OUT;
		if (sent < n)
			return keep(direction, scratch + sent, (size_t)(n - sent), why);
		/*
		 * A short read has emptied the queue: EAGAIN need not be asked for, epoll
		 * tells when there is more. But a FIN that is known to be there is asked for
		 * at once, and epoll does not tell where both ends have half-closed.
		 */
		if (n < STREAM_CHUNK && !from->fin_seen && !from->hung_up)
			return MOVE_DRY;
	}
	return MOVE_MORE;
}

const struct path_ops copy_path = {
	.name = "copy",
	.move = copy_move,
};
