// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/introduce.h"

#include "user/flow/connection.h"
#include "user/flow/worker.h"
#include "user/wire/proxy_header.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

int introduce_outside(struct connection *connection, const uint8_t token[TOKEN_BYTES])
{
	struct stream_end *outside = &connection->stream.ends[SIDE_OUTSIDE];

	/* The send buffer of a new connection takes 32 bytes in one piece. */
	ssize_t n = send(outside->watch.fd, token, TOKEN_BYTES, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n != TOKEN_BYTES)
		return n < 0 ? -errno : -EIO;
	outside->sent = TOKEN_BYTES;
	return 0;
}

int introduce_inside(struct connection *connection)
{
	enum send_proxy version = connection->worker->config->send_proxy;
	struct stream_end *inside = &connection->stream.ends[SIDE_INSIDE];
	struct proxy_header header = {.has_addresses = connection->origin != NULL};
	uint8_t bytes[PROXY_HEADER_MAX];

	if (version == SEND_PROXY_OFF)
		return 0;
	if (connection->origin) {
		header.source = connection->origin->source;
		header.destination = connection->origin->destination;
	}
	snprintf(header.authority, sizeof(header.authority), "%s", connection->name);
	size_t length = version == SEND_PROXY_V1 ? proxy_header_write_v1(&header, bytes)
						 : proxy_header_write_v2(&header, bytes);
	if (send(inside->watch.fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)length)
		return -EIO;
	inside->sent = length;
	return 0;
}
