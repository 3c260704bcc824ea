// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/serve.h"

#include "common/base/clock.h"
#include "user/flow/connection.h"
#include "user/flow/pair.h"
#include "user/flow/worker.h"
#include "user/wire/proxy_header.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <linux/tcp.h>
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

/*
 * Its private proxy may have vanished without a word, which keepalive finds
 * only when it is quiet. No acknowledgement in the time of a rendezvous: then a
 * new connection has better chances. bytes_acked may count the SYN.
 */
static void on_answer_due(struct timer *timer)
{
	struct connection *connection = container_of(timer, struct connection, deadline);
	int fd = connection->stream.ends[SIDE_INSIDE].watch.fd;
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 &&
	    info.tcpi_bytes_acked <= 1)
		connection_close(connection, true, "the parked connection was dead");
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
	pair_begin(connection);
	if (connection->state == CONNECTION_PAIR) {
		struct worker *worker = connection->worker;

		connection->deadline.fire = on_answer_due;
		timer_arm(&worker->timers, &connection->deadline,
			  clock_now() + worker->shop->config->accept_timeout);
	}
	return true;
}
