// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/rendezvous.h"

#include "common/log.h"
#include "user/flow/complain.h"
#include "user/flow/connection.h"
#include "user/flow/ids.h"
#include "user/flow/park.h"
#include "user/flow/proxy_header.h"
#include "user/flow/pair.h"
#include "user/flow/refuse.h"
#include "user/flow/token.h"
#include "user/plane/socket.h"
#include "user/public/routes.h"
#include "user/worker.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUCKETS 4096 /* a power of two */

LIST_HEAD(bucket, connection);

struct waiting_room {
	uint32_t n, most;
	struct bucket by_token[BUCKETS];
};

struct waiting_room *waiting_room_new(uint32_t most)
{
	struct waiting_room *room = calloc(1, sizeof(*room));

	if (room)
		room->most = most;
	return room;
}

void waiting_room_free(struct waiting_room *room)
{
	free(room);
}

/* The keyed hash is random to everybody else, so its first bytes make a good index. */
static struct bucket *token_bucket(struct waiting_room *room, const uint8_t key[TOKEN_KEY_BYTES])
{
	uint32_t index;

	memcpy(&index, key, sizeof(index));
	return &room->by_token[index % BUCKETS];
}

static int64_t wall_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void on_ready(struct watch *watch, uint32_t events)
{
	(void)events; /* EPOLLERR or EPOLLHUP: nothing else was asked for */
	connection_close(connection_of_watch(watch), true,
			 "reset while waiting for its private proxy");
}

static void on_deadline(struct timer *timer)
{
	refuse(container_of(timer, struct connection, deadline), ALERT_INTERNAL_ERROR,
	       "the private proxy did not dial back in time");
}

static int send_for(struct connection *connection, const struct route *route)
{
	struct worker *worker = connection->worker;
	struct workshop *shop = worker->shop;
	struct mail *mail = mail_new(MAIL_NOTICE);

	if (!mail)
		return -1;
	if (token_make(worker->index, shop->config->workers, mail->u.notice.token) < 0 ||
	    token_hash(worker->hasher, mail->u.notice.token, connection->token_key) < 0) {
		mail_free(mail);
		return -1;
	}
	mail->u.notice.worker = worker->index;
	mail->u.notice.connection = connection->id;
	snprintf(mail->u.notice.domain, sizeof(mail->u.notice.domain), "%s", connection->name);
	snprintf(mail->u.notice.operator, sizeof(mail->u.notice.operator), "%s", route->operator);
	/* Another worker may have a parked one; if not, it sends the notice on. */
	int neighbour = park_neighbour(worker);
	if (neighbour >= 0) {
		mail->type = MAIL_BORROW;
		worker_mail(shop->workers[neighbour], mail);
	} else {
		outbox_put(&worker->outbox, mail);
	}
	return 0;
}

/* For the private proxy, which chooses by the name, and for its log. */
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

/* True: the connection goes on with `fd`, which was parked; false: it was dead, and is closed. */
static bool begin_parked(struct connection *connection, int fd)
{
	struct stream_end *inside = &connection->stream.ends[SIDE_INSIDE];
	uint8_t header[PROXY_HEADER_MAX];
	size_t length = make_header(connection, header);

	/* Nothing has been sent on it before, so that its buffer takes the header in one piece. */
	if (send(fd, header, length, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)length) {
		(void)close(fd);
		return false;
	}
	inside->watch.fd = fd;
	inside->read = TOKEN_BYTES;
	inside->sent = length;
	pair_begin(connection);
	return true;
}

/* True: a connection that was dialled ahead serves this client, without any rendezvous. */
static bool take_parked(struct connection *connection)
{
	int fd = park_take(connection->worker, connection->operator);

	return fd >= 0 && begin_parked(connection, fd);
}

void rendezvous_begin(struct connection *connection, const char *name)
{
	struct worker *worker = connection->worker;
	struct waiting_room *room = worker->waiting;
	struct watch *watch = &connection->stream.ends[SIDE_OUTSIDE].watch;
	const struct route *route = NULL;

	if (worker->routes)
		route = routes_find(worker->routes, name, wall_clock_ms());
	if (connection_set_name(connection, name, route ? route->operator: NULL) < 0) {
		connection_close(connection, true, "out of memory");
		return;
	}
	if (!route) {
		refuse(connection, ALERT_UNRECOGNIZED_NAME, "nobody has announced this name");
		return;
	}
	if (take_parked(connection))
		return;
	if (room->n >= room->most) {
		refuse(connection, ALERT_INTERNAL_ERROR,
		       "too many connections wait for a private proxy");
		return;
	}
	if (send_for(connection, route) < 0) {
		refuse(connection, ALERT_INTERNAL_ERROR, "out of memory");
		return;
	}
	connection_move(connection, CONNECTION_RENDEZVOUS);
	LIST_INSERT_HEAD(token_bucket(room, connection->token_key), connection, in_waiting);
	ids_add(connection);
	room->n++;
	watch->ready = on_ready;
	connection->deadline.fire = on_deadline;
	timer_arm(&worker->timers, &connection->deadline,
		  timer_now() + worker->shop->config->accept_timeout);
	if (watch_set(worker->epoll, watch, 0) < 0)
		connection_close(connection, true, "no memory to watch the connection");
}

void rendezvous_forget(struct connection *connection)
{
	LIST_REMOVE(connection, in_waiting);
	ids_remove(connection);
	connection->worker->waiting->n--;
	OPENSSL_cleanse(connection->token_key, sizeof(connection->token_key));
}

void rendezvous_refused(struct worker *worker, uint64_t id, const char *reason)
{
	struct connection *connection = ids_find(worker, id);

	if (!connection)
		return; /* gone meanwhile */
	log_warn("connection %" PRIu64 ": %s cannot be sent for: %s", id, connection->operator,
		 reason);
	refuse(connection, ALERT_INTERNAL_ERROR, "the private proxy could not be told");
}

static struct connection *find(struct waiting_room *room, const uint8_t key[TOKEN_KEY_BYTES])
{
	struct connection *connection;

	LIST_FOREACH(connection, token_bucket(room, key), in_waiting)
	if (CRYPTO_memcmp(connection->token_key, key, TOKEN_KEY_BYTES) == 0)
		return connection;
	return NULL;
}

void rendezvous_claimed(struct worker *worker, int fd, const uint8_t token[TOKEN_BYTES])
{
	uint8_t key[TOKEN_KEY_BYTES];
	struct connection *connection = NULL;

	if (token_hash(worker->hasher, token, key) == 0) {
		connection = find(worker->waiting, key);
		if (!connection && park_claimed(worker, fd, key))
			return;
	}
	if (!connection) {
		complain(&worker->complaints, NULL,
			 "a dial-back showed a token that is wrong, late, or used: reset it");
		/* The client was reset meanwhile, as a rule: the internal server has to hear it. */
		socket_reset_on_close(fd);
		(void)close(fd);
		return;
	}
	struct stream_end *inside = &connection->stream.ends[SIDE_INSIDE];

	inside->watch.fd = fd;
	inside->read = TOKEN_BYTES;
	pair_begin(connection);
}

void rendezvous_lent(struct worker *worker, int fd, const uint8_t token[TOKEN_BYTES])
{
	uint8_t key[TOKEN_KEY_BYTES];
	struct connection *connection = NULL;

	if (token_hash(worker->hasher, token, key) == 0)
		connection = find(worker->waiting, key);
	if (!connection)
		(void)close(fd); /* the client has gone meanwhile */
	else if (!begin_parked(connection, fd))
		refuse(connection, ALERT_INTERNAL_ERROR, "a parked connection was dead");
}
