// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/serve.h"

#include "user/flow/connection.h"
#include "user/flow/worker.h"
#include "user/wire/proxy_header.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* For the private proxy, which chooses by the name, and tells our id in its log. */
static size_t make_header(struct connection *connection, uint8_t bytes[PROXY_HEADER_MAX])
{
	struct proxy_header header = {.has_addresses = true};
	int fd = connection->stream.ends[SIDE_OUTSIDE].watch.fd;

	if (connection->origin) {
		header.source = connection->origin->source;
		header.destination = connection->origin->destination;
	} else {
		header.source.len = header.destination.len = sizeof(header.source.sa);
		if (getpeername(fd, (struct sockaddr *)&header.source.sa, &header.source.len) < 0 ||
		    getsockname(fd, (struct sockaddr *)&header.destination.sa,
				&header.destination.len) < 0)
			header.has_addresses = false;
	}
	snprintf(header.authority, sizeof(header.authority), "%s", connection->name);
	header.unique_length = (size_t)snprintf((char *)header.unique_id, sizeof(header.unique_id),
						"%" PRIu64, connection->id);
	return proxy_header_write_v2(&header, bytes);
}

bool serve_by_parked(struct connection *connection, int fd)
{
	struct stream_end *inside = &connection->stream.ends[SIDE_INSIDE];
	uint8_t header[PROXY_HEADER_MAX];
	size_t length = make_header(connection, header);

	/* Nothing has been sent on it before, so that its buffer takes the header in one piece. The
	 * ClientHello is there: it goes in the same segment. */
	if (send(fd, header, length, MSG_NOSIGNAL | MSG_DONTWAIT | MSG_MORE) != (ssize_t)length) {
		(void)close(fd);
		return false;
	}
	inside->watch.fd = fd;
	inside->read = TOKEN_BYTES;
	inside->sent = length;
	connection->by_parked = true;
	counters_add(&connection->worker->counters, COUNTER_BY_PARKED, 1);
	connection_move(connection, CONNECTION_PAIR);
	return true;
}
