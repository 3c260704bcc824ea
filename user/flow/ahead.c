// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/ahead.h"

#include "common/base/clock.h"
#include "common/base/escape.h"
#include "common/base/log.h"
#include "user/flow/connection.h"
#include "user/flow/dial.h"
#include "user/flow/inside.h"
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

void ahead_tell(struct worker *worker, uint64_t connection, enum parked_condition condition,
		const char *proxy, const char *domain)
{
	struct mail *mail = mail_new(MAIL_PARKED);

	if (!mail) {
		log_error("the number of parked connections is not told: out of memory");
		return;
	}
	mail->u.parked.condition = condition;
	mail->u.parked.worker = worker->index;
	mail->u.parked.connection = connection;
	snprintf(mail->u.parked.operator, sizeof(mail->u.parked.operator), "%s", proxy);
	snprintf(mail->u.parked.domain, sizeof(mail->u.parked.domain), "%s", domain);
	/* Whoever names a domain waits for an answer; that one more waits is only counted. */
	if (condition == PARKED_WAITING || (condition == PARKED_TAKEN && !*domain))
		outbox_put_later(&worker->outbox, mail);
	else
		outbox_put(&worker->outbox, mail);
}

void ahead_lost(struct connection *connection, const char *reason)
{
	log_debug("connection %" PRIu64 ": dialled ahead to %s, ended unused: %s", connection->id,
		  connection->operator, reason);
	ahead_tell(connection->worker, connection->id, PARKED_LOST, connection->operator, "");
}

/* For the log: its own id there, as text without surprises. */
static char *peer_id(const struct proxy_header *header)
{
	for (size_t i = 0; i < header->unique_length; i++)
		if (!isalnum(header->unique_id[i]) && !memchr("-_.:", header->unique_id[i], 4))
			return NULL;
	return strndup((const char *)header->unique_id, header->unique_length);
}

/* What the header tells belongs to the connection from here on. */
static int take_over(struct connection *connection, const struct proxy_header *header,
		     const struct addr *inside, unsigned n)
{
	char name[DOMAIN_MAX + 1];

	if (header->has_addresses &&
	    connection_set_origin(connection, &header->source, &header->destination) < 0)
		return -ENOMEM;
	connection->peer_id = peer_id(header);
	/* It escapes nothing of a name that is one; any other is refused, and the log tells it. */
	escape(header->authority, strlen(header->authority), name, sizeof(name));
	connection->name = strdup(name);
	return connection->name ? dial_resume(connection, inside, n) : -ENOMEM;
}

static void begin_stream(struct connection *connection, const struct proxy_header *header)
{
	struct worker *worker = connection->worker;
	struct addr inside[ENDPOINT_ADDRS];
	uint64_t now = clock_now();
	unsigned n =
		inside_recall(worker->inside, header->authority, connection->operator, now, inside);
	const char *question = n > 0 ? "" : header->authority;

	connection->ahead = false;
	connection->began = now;
	/* In any case: it counts as waiting no longer. */
	ahead_tell(worker, connection->id, PARKED_TAKEN, connection->operator, question);
	if (take_over(connection, header, inside, n) < 0)
		connection_close(connection, true, "out of memory");
}

static void on_ready(struct watch *watch, uint32_t events)
{
	struct connection *connection = connection_of_watch(watch);
	struct stream_end *outside = &connection->stream.ends[SIDE_OUTSIDE];
	uint8_t bytes[PROXY_HEADER_MAX];
	struct proxy_header header;

	if (events & (EPOLLERR | EPOLLHUP)) {
		connection_close(connection, true, "reset by the public proxy");
		return;
	}
	/* Not a byte more than the header: what follows belongs to the stream. */
	ssize_t n = recv(watch->fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		connection_close(connection, n < 0, "closed by the public proxy");
		return;
	}
	int length = proxy_header_parse(bytes, (size_t)n, &header);
	/* A public proxy writes none that is longer than PROXY_HEADER_MAX. */
	if (length == 0 && n < (ssize_t)sizeof(bytes) && !(events & EPOLLRDHUP))
		return;
	if (length <= 0 || !header.authority[0] || strlen(header.authority) > DOMAIN_MAX) {
		log_warn("connection %" PRIu64 ": %s began a stream without a proper PROXY header",
			 connection->id, connection->operator);
		connection_close(connection, true, "no PROXY header");
		return;
	}
	if (recv(watch->fd, bytes, (size_t)length, MSG_DONTWAIT) != length) {
		connection_close(connection, true, "reset by the public proxy");
		return;
	}
	outside->read = (uint64_t)length;
	begin_stream(connection, &header);
}

void ahead_begin(struct connection *connection)
{
	struct worker *worker = connection->worker;
	struct watch *watch = &connection->stream.ends[SIDE_OUTSIDE].watch;

	connection_move(connection, CONNECTION_AHEAD);
	watch->ready = on_ready;
	/* Edge-triggered: an incomplete header stays in the socket. */
	if (watch_set(worker->epoll, watch, EPOLLIN | EPOLLRDHUP | EPOLLET) < 0) {
		connection_close(connection, true, "no memory to watch the connection");
		return;
	}
	ahead_tell(worker, connection->id, PARKED_WAITING, connection->operator, "");
}
