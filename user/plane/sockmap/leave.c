// SPDX-License-Identifier: BSD-2-Clause
/* The way out of the sockmap: sockmap_leave() of sockmap.h. */
#include "common/base/clock.h"
#include "common/loop/socket.h"
#include "user/plane/sockmap/account.h"
#include "user/plane/sockmap/door.h"
#include "user/plane/sockmap/kernel.h"
#include "user/plane/sockmap/sockmap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* What may wait in front of the program for the instant of leaving; it only has to outlast two
 * system calls. */
#define GATE_BYTES (256 * 1024)

/* Nothing of direction i is between the program and the peer's TCP, nor passed and unread. */
static int quiet(struct stream *stream, int i)
{
	return sockmap_all_read(stream, i) ? sockmap_backlog_empty(stream, i) : 0;
}

/*
 * The gate alone does not hold: tcp_data_ready() lets GATE_BYTES pass, a FIN,
 * and whatever comes while the receive buffer is nearly full. So for the few
 * system calls of the removal a door is shut (door.h). 1: no segment reaches
 * the program any more; 0: for want of memory, later perhaps; -EPERM: never.
 */
static int shut_doors(struct stream *stream)
{
	struct account_in in;

	for (int i = 0; i < 2; i++) {
		int r = door_shut(stream->ends[i].watch.fd);
		if (r < 0)
			return r == -EPERM ? r : 0;
		/* What was let in before has been seen by the program when this returns. */
		(void)account_received(stream->ends[i].watch.fd, &in);
	}
	return 1;
}

/* Bytes that may come of a socket whose door is shut, and what user space may have had before. */
static size_t receive_buffer(int fd)
{
	int size = 0;
	socklen_t length = sizeof(size);

	(void)getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, &length);
	return (size_t)size + STREAM_CHUNK;
}

/*
 * While TCP is short of memory nobody writes to a socket with unread passed
 * bytes, and a direction that is blocked reads no more: the two could wait for
 * each other. So what was passed is read without regard to what user space
 * holds already. It is a receive buffer at most, since the doors are shut. 1
 * when all is read, 0 when the kernel's worker still has some, or more than a
 * receive buffer holds has come, -ENOMEM.
 */
static int take_passed(struct stream *stream, int i)
{
	struct stream_direction *direction = &stream->directions[i];
	struct stream_end *from = &stream->ends[i];
	size_t most = receive_buffer(from->watch.fd);

	while (!sockmap_all_read(stream, i)) {
		size_t have = direction->pending_end - direction->pending_start;
		if (have >= most)
			return 0;
		ssize_t n =
			recv(from->watch.fd, stream->plane->scratch, STREAM_CHUNK, MSG_DONTWAIT);
		if (n <= 0)
			return 0; /* the next recv() tells why */
		from->read += (uint64_t)n;
		char *grown = malloc(have + (size_t)n);
		if (!grown)
			return -ENOMEM;
		if (direction->pending)
			memcpy(grown, direction->pending + direction->pending_start, have);
		memcpy(grown + have, stream->plane->scratch, (size_t)n);
		free(direction->pending);
		direction->pending = grown;
		direction->pending_start = 0;
		direction->pending_end = (uint32_t)(have + (size_t)n);
	}
	return 1;
}

/* 1: nothing is under way, and no segment reaches the program any more. 0: later. */
static int settle_down(struct stream *stream)
{
	bool is_short = tcp_memory_is_short(&stream->plane->load, clock_now());
	int r = 1;

	for (int i = 0; i < 2 && r == 1; i++)
		r = is_short ? sockmap_backlog_empty(stream, i) : quiet(stream, i);
	if (r == 1)
		r = shut_doors(stream);
	for (int i = 0; i < 2 && r == 1 && is_short; i++)
		r = take_passed(stream, i);
	/* Again, and last: what passed the gate before the doors were shut has to be read first. */
	for (int i = 0; i < 2 && r == 1; i++)
		r = sockmap_all_read(stream, i);
	return r;
}

/* Both sockets, with nothing under way. False: bytes were caught in between. */
static bool take_out(struct stream *stream)
{
	const struct sockmap_stream *state = stream->path_state;
	struct kernel_share *share = sockmap_share(stream);
	struct account_in in;
	bool complete = true;

	for (int i = 0; i < 2; i++)
		(void)kernel_peer_remove(share, state->ends[i].cookie);
	for (int i = 0; i < 2; i++) {
		const struct stream_end *source = &stream->ends[i];

		(void)account_received(source->watch.fd, &in);
		/* No byte can have been passed, or dropped with its psock; make sure. */
		if (!sockmap_all_read(stream, i))
			complete = false;
		if (account_complete(source->watch.fd, source->read + sockmap_moved(stream, i)) ==
		    0)
			complete = false;
	}
	return complete;
}

static enum leave_result try_to_leave(struct stream *stream)
{
	switch (settle_down(stream)) {
	case 1:
		return take_out(stream) ? LEAVE_DONE : LEAVE_BROKEN;
	case 0:
		return LEAVE_LATER;
	case -ENOMEM:
		return LEAVE_NO_MEMORY;
	case -EPERM:
		return LEAVE_NOT_ALLOWED;
	default:
		return LEAVE_BROKEN;
	}
}

enum leave_result sockmap_leave(struct stream *stream)
{
	struct sockmap_worker *worker = stream->path->own;

	/* Segments that arrive now wait in the receive queue: tcp_data_ready() heeds SO_RCVLOWAT.
	 */
	for (int i = 0; i < 2; i++)
		socket_lowat(stream->ends[i].watch.fd, GATE_BYTES);
	enum leave_result r = try_to_leave(stream);
	if (r == LEAVE_NOT_ALLOWED)
		worker->no_way_out = true;
	for (int i = 0; i < 2; i++) {
		door_open(stream->ends[i].watch.fd);
		socket_lowat(stream->ends[i].watch.fd, 1);
	}
	return r;
}
