// SPDX-License-Identifier: BSD-2-Clause
#include "user/plane/sockmap/suitable.h"

#include "user/plane/sockmap/account.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/*
 * An MPTCP socket must stay out: kernels before 6.1.159 and 6.12.63 crash when
 * the program is attached to one of its subflows. Listeners and dialled sockets
 * of the proxy are plain TCP, but they need not be for ever: a preloaded
 * library (mptcpize), a BPF program at socket() (from 6.6 on) or whoever hands
 * a listener over can make them MPTCP. What such a listener accepts is MPTCP,
 * also when the connection has fallen back to TCP on the wire; only where the
 * client never asked for MPTCP does accept() give a TCP socket, which the
 * kernel has made plain before, and that one is harmless.
 */
static int check_protocol(int fd)
{
	int protocol = 0;
	socklen_t length = sizeof(protocol);

	if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) < 0)
		return -errno;
	return protocol == IPPROTO_TCP ? 0 : -EOPNOTSUPP;
}

int suitable_for_sockmap(int fd, uint64_t read)
{
	struct account_in in;

	int r = check_protocol(fd);
	if (r < 0)
		return r;
	r = account_received(fd, &in);
	if (r < 0)
		return r;
	/* Only ESTABLISHED can be inserted: a client that has half-closed stays outside. */
	if (in.state != TCP_ESTABLISHED)
		return -EOPNOTSUPP;
	/* Bytes that user space did not read came before it was given the socket: no base to count
	 * from. */
	return in.received < read ? -EOPNOTSUPP : 0;
}
