// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/dial_socket.h"

#include "common/base/cleanup.h"
#include "common/loop/socket.h"
#include "user/flow/connection.h"
#include "user/flow/worker.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* Nobody listens on a port that the kernel has picked for our own end (RFC 9293 3.5). */
static bool is_self(int fd, const struct addr *target)
{
	struct addr own = {.len = sizeof(own.sa)};

	return getsockname(fd, (struct sockaddr *)&own.sa, &own.len) == 0 &&
	       own.len == target->len && memcmp(&own.sa, &target->sa, own.len) == 0;
}

/* On one machine it is, by the time that connect() says EINPROGRESS: nobody need sleep for it. */
static bool is_connected(int fd)
{
	struct addr peer = {.len = sizeof(peer.sa)};

	return getpeername(fd, (struct sockaddr *)&peer.sa, &peer.len) == 0;
}

int dial_socket_try(struct connection *connection, int side, const struct addr *addr)
{
	const struct config *config = connection->worker->config;
	struct watch *watch = &connection->stream.ends[side].watch;
	AUTO_CLOSE int fd =
		socket(addr->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	socket_prepare(fd, config->plane.memory);
	socket_keep_alive(fd, connection->ahead ? PROBE_AHEAD_S : config->keepalive);
	if (connect(fd, (const struct sockaddr *)&addr->sa, addr->len) < 0 && errno != EINPROGRESS)
		return -errno;
	bool connected = is_connected(fd);
	if (connected && is_self(fd, addr))
		return -ECONNREFUSED;
	watch->fd = TAKE_FD(fd);
	if (connected)
		return 1;
	int r = connection_watch(connection, side, EPOLLOUT);
	if (r < 0)
		watch_close(watch);
	return r;
}

int dial_socket_result(int fd, const struct addr *addr, uint32_t events)
{
	int error = 0;
	socklen_t length = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		error = errno;
	if (!error && !(events & EPOLLOUT))
		error = ECONNRESET;
	if (!error && is_self(fd, addr))
		error = ECONNREFUSED;
	return error;
}
