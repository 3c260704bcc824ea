// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/refuse.h"

#include "common/base/clock.h"
#include "user/flow/connection.h"
#include "user/flow/worker.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define LINGER (2 * NS_PER_S)
/* More than any ClientHello: whoever sends on regardless gets an RST. */
#define DISCARD_MOST (256 * 1024)

static void refuse_ready(struct connection *connection, int side, uint32_t events)
{
	struct stream_end *outside = &connection->stream.ends[side];
	ssize_t n = 0;

	if (!(events & (EPOLLERR | EPOLLHUP))) {
		do {
			n = recv(outside->watch.fd, connection->worker->plane.scratch, STREAM_CHUNK,
				 MSG_DONTWAIT);
			if (n > 0)
				outside->read += (uint64_t)n;
		} while (n > 0 && outside->read < DISCARD_MOST);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
	}
	connection_close(connection, n != 0, connection->ending);
}

static void refuse_deadline(struct connection *connection)
{
	connection_close(connection, false, connection->ending);
}

static void refuse_enter(struct connection *connection)
{
	/* RFC 8446 section 6: record type alert, version 3.3, length 2, fatal, description. */
	const uint8_t record[] = {21, 3, 3, 0, 2, 2, connection->alert};
	int fd = connection->stream.ends[SIDE_OUTSIDE].watch.fd;

	(void)send(fd, record, sizeof(record), MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)shutdown(fd, SHUT_WR);
	connection_arm(connection, clock_now() + LINGER);
	if (connection_watch(connection, SIDE_OUTSIDE, EPOLLIN) < 0)
		connection_close(connection, true, connection->ending);
}

const struct state_ops state_refuse = {
	.name = "refuse",
	.enter = refuse_enter,
	.ready = refuse_ready,
	.deadline = refuse_deadline,
};
