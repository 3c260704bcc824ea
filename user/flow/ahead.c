// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/ahead.h"

#include "common/base/clock.h"
#include "common/base/escape.h"
#include "common/base/log.h"
#include "user/flow/connection.h"
#include "user/flow/news.h"
#include "user/flow/worker.h"
#include "user/wire/proxy_header.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* For the log: its own id there, as text without surprises. */
static char *peer_id(const struct proxy_header *header)
{
	for (size_t i = 0; i < header->unique_length; i++)
		if (!isalnum(header->unique_id[i]) && !memchr("-_.:", header->unique_id[i], 4))
			return NULL;
	return strndup((const char *)header->unique_id, header->unique_length);
}

/* What the header tells belongs to the connection from here on. */
static int take_over(struct connection *connection, const struct proxy_header *header)
{
	char name[DOMAIN_MAX + 1];

	if (header->has_addresses &&
	    connection_set_origin(connection, &header->source, &header->destination) < 0)
		return -ENOMEM;
	connection->peer_id = peer_id(header);
	/* It escapes nothing of a name that is one; any other is refused, and the log tells it. */
	escape(header->authority, strlen(header->authority), name, sizeof(name));
	connection->name = strdup(name);
	return connection->name ? 0 : -ENOMEM;
}

static void begin_stream(struct connection *connection, const struct proxy_header *header)
{
	connection->ahead = false;
	connection->began = clock_now();
	counters_add(&connection->worker->counters, COUNTER_TAKEN, 1);
	if (take_over(connection, header) == 0) {
		connection_move(connection, CONNECTION_DIAL);
		return;
	}
	(void)news_taken(connection, ""); /* it counts as waiting no longer */
	connection_close(connection, true, ENDING_MEMORY);
}

static void ahead_ready(struct connection *connection, int side, uint32_t events)
{
	struct stream_end *outside = &connection->stream.ends[side];
	int fd = outside->watch.fd;
	uint8_t bytes[PROXY_HEADER_MAX];
	struct proxy_header header;

	if (events & (EPOLLERR | EPOLLHUP)) {
		connection_close(connection, true, ENDING_AHEAD_RESET);
		return;
	}
	/* Not a byte more than the header: what follows belongs to the stream. */
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		connection_close(connection, n < 0, ENDING_AHEAD_CLOSED);
		return;
	}
	int length = proxy_header_parse(bytes, (size_t)n, &header);
	/* A public proxy writes none that is longer than PROXY_HEADER_MAX. */
	if (length == 0 && n < (ssize_t)sizeof(bytes) && !(events & EPOLLRDHUP))
		return;
	if (length <= 0 || !header.authority[0] || strlen(header.authority) > DOMAIN_MAX) {
		log_warn("connection %" PRIu64 ": %s began a stream without a proper PROXY header",
			 connection->id, connection->proxy);
		connection_close(connection, true, ENDING_AHEAD_HEADER);
		return;
	}
	if (recv(fd, bytes, (size_t)length, MSG_DONTWAIT) != length) {
		connection_close(connection, true, ENDING_AHEAD_RESET);
		return;
	}
	outside->read = (uint64_t)length;
	begin_stream(connection, &header);
}

static void ahead_enter(struct connection *connection)
{
	/* Edge-triggered: an incomplete header stays in the socket. */
	if (connection_watch(connection, SIDE_OUTSIDE, EPOLLIN | EPOLLRDHUP | EPOLLET) < 0)
		connection_close(connection, true, ENDING_WATCH);
	else if (news_waiting(connection) < 0)
		connection_close(connection, true, ENDING_MEMORY);
}

static void ahead_stop(struct connection *connection)
{
	connection_close(connection, true, ENDING_STOPPED);
}

const struct state_ops state_ahead = {
	.name = "ahead",
	.next = TO(CONNECTION_DIAL),
	.enter = ahead_enter,
	.ready = ahead_ready,
	.stop = ahead_stop,
};
