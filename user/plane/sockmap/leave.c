// SPDX-License-Identifier: BSD-2-Clause
/* The way out of the sockmap: sockmap_leave() of sockmap.h. */
#include "common/base/clock.h"
#include "common/loop/socket.h"
#include "user/plane/sockmap/account.h"
#include "user/plane/sockmap/kernel.h"
#include "user/plane/sockmap/sockmap.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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
 * and whatever comes while the receive buffer is nearly full. For the few
 * system calls of the removal, segments with bytes or a FIN are dropped before
 * TCP has seen them; their sender sends them again. RST and acknowledgements
 * pass.
 */
static int shut_door(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13), /* flags */
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, TH_RST, 7, 0),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, TH_FIN, 7, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 12), /* length of the header, in words */
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno
											   : 0;
}

static void open_door(int fd)
{
	int unused = 0;

	(void)setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused));
}

/* 1: no segment reaches the program any more; 0: for want of memory, later perhaps. */
static int shut_doors(struct stream *stream)
{
	struct account_in in;

	for (int i = 0; i < 2; i++) {
		if (shut_door(stream->ends[i].watch.fd) < 0)
			return 0;
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

int sockmap_leave(struct stream *stream)
{
	struct kernel_share *share = stream->plane->kernel;
	struct account_in in;

	/* Segments that arrive now wait in the receive queue: tcp_data_ready() heeds SO_RCVLOWAT.
	 */
	for (int i = 0; i < 2; i++)
		socket_lowat(stream->ends[i].watch.fd, GATE_BYTES);
	int r = settle_down(stream);
	if (r == 1) {
		for (int i = 0; i < 2; i++)
			(void)kernel_peer_remove(share, stream->ends[i].cookie);
		for (int i = 0; i < 2; i++) {
			(void)account_received(stream->ends[i].watch.fd, &in);
			/* No byte can have been passed, or dropped with its psock; make sure. */
			if (!sockmap_all_read(stream, i))
				r = -EBADMSG;
			if (account_complete(stream->ends[i].watch.fd,
					     stream->ends[i].read +
						     sockmap_redirected(stream, i)) == 0)
				r = -EBADMSG;
		}
		sockmap_forget(stream);
		stream->path = PATH_COPY;
		stream->leaving = false;
	}
	for (int i = 0; i < 2; i++) {
		open_door(stream->ends[i].watch.fd);
		socket_lowat(stream->ends[i].watch.fd, 1);
	}
	return r;
}
