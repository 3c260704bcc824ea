// SPDX-License-Identifier: BSD-2-Clause
#include "common/loop/socket.h"

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

const unsigned SOCKET_NOTSENT_LOWAT = ~0u;

/* What a direction may cost beside the two sockets' buffers: user space's chunk, the kernel's
 * queue. */
#define BESIDE_BUFFERS (512 * 1024)

/*
 * From the start: a buffer that shrinks while it is full makes TCP drop what
 * it has promised room for, and the sender wait for its time-out.
 */
static void bound_buffers(int fd, uint32_t memory)
{
	/* The kernel doubles the value. */
	uint32_t share = memory > 2 * BESIDE_BUFFERS ? memory - BESIDE_BUFFERS : memory / 2;
	int bytes = (int)(share / 4);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

void socket_prepare(int fd, uint32_t memory)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
	/* Only the buffer's size limits what is unsent, whatever the system's default: see
	 * socket_send_room(). */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &SOCKET_NOTSENT_LOWAT,
			 sizeof(SOCKET_NOTSENT_LOWAT));
	if (memory)
		bound_buffers(fd, memory);
}

void socket_lowat(int fd, int bytes)
{
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes));
}

/* SO_MEMINFO (4.12): sk_sndbuf and sk_wmem_queued, which TCP compares before it takes more. */
size_t socket_send_room(int fd)
{
	uint32_t info[SK_MEMINFO_VARS];
	socklen_t length = sizeof(info);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &length) < 0 ||
	    length <= SK_MEMINFO_WMEM_QUEUED * sizeof(info[0]) ||
	    info[SK_MEMINFO_WMEM_QUEUED] >= info[SK_MEMINFO_SNDBUF])
		return 0;
	return info[SK_MEMINFO_SNDBUF] - info[SK_MEMINFO_WMEM_QUEUED];
}

void socket_reset_on_close(int fd)
{
	struct linger linger = {.l_onoff = 1, .l_linger = 0};

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

void socket_probe_after(int fd, int idle_s)
{
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
}

void socket_keep_alive(int fd, int idle_s)
{
	int on = 1, interval = 10, probes = 6;

	if (idle_s <= 0)
		return;
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	socket_probe_after(fd, idle_s);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}
