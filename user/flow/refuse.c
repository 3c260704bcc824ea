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

static void on_ready(struct watch *watch, uint32_t events)
{
	struct connection *connection = connection_of_watch(watch);
	struct stream_end *outside = &connection->stream.ends[SIDE_OUTSIDE];
	ssize_t n = 0;

	if (!(events & (EPOLLERR | EPOLLHUP))) {
		do {
			n = recv(watch->fd, connection->worker->plane.scratch, STREAM_CHUNK,
				 MSG_DONTWAIT);
			if (n > 0)
				outside->read += (uint64_t)n;
		} while (n > 0 && outside->read < DISCARD_MOST);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
	}
	connection_close(connection, n != 0, connection->refusal);
}

static void on_deadline(struct timer *timer)
{
	struct connection *connection = container_of(timer, struct connection, deadline);

	connection_close(connection, false, connection->refusal);
}

void refuse(struct connection *connection, uint8_t alert, const char *reason)
{
	/* RFC 8446 section 6: record type alert, version 3.3, length 2, fatal, description. */
	const uint8_t record[] = {21, 3, 3, 0, 2, 2, alert};
	struct worker *worker = connection->worker;
	struct watch *watch = &connection->stream.ends[SIDE_OUTSIDE].watch;

	connection_move(connection, CONNECTION_REFUSE);
	connection->refusal = reason;
	(void)send(watch->fd, record, sizeof(record), MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)shutdown(watch->fd, SHUT_WR);
	watch->ready = on_ready;
	connection->deadline.fire = on_deadline;
	timer_arm(&worker->timers, &connection->deadline, clock_now() + LINGER);
	if (watch_set(worker->epoll, watch, EPOLLIN) < 0)
		connection_close(connection, true, reason);
}
