// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/dial.h"

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/loop/socket.h"
#include "user/flow/ahead.h"
#include "user/flow/connection.h"
#include "user/flow/ids.h"
#include "user/flow/inside.h"
#include "user/flow/pair.h"
#include "user/flow/worker.h"
#include "user/wire/proxy_header.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/crypto.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

struct dial_side {
	struct dial *dial;
	struct addr addrs[ENDPOINT_ADDRS];
	unsigned n, next;
	bool connected, failed;
	struct timer attempt; /* while there is another address to try */
};

struct dial {
	struct connection *connection;
	struct dial_side sides[2]; /* by SIDE_… */
	uint8_t token[TOKEN_BYTES];
};

static const char *const side_names[] = {"the public proxy", "the internal server"};

static void dial_next(struct connection *connection, int side);

void dial_free(struct dial *dial)
{
	if (dial)
		OPENSSL_cleanse(dial->token, sizeof(dial->token));
	free(dial);
}

static void on_attempt_over(struct timer *timer);

static int dial_new(struct connection *connection)
{
	struct dial *dial = calloc(1, sizeof(*dial));

	if (!dial)
		return -ENOMEM;
	for (int side = 0; side < 2; side++) {
		dial->sides[side].dial = dial;
		dial->sides[side].attempt.fire = on_attempt_over;
	}
	dial->connection = connection;
	connection->dial = dial;
	return 0;
}

void dial_cancel(struct connection *connection)
{
	struct dial *dial = TAKE_PTR(connection->dial);

	for (int side = 0; dial && side < 2; side++)
		timer_disarm(&connection->worker->timers, &dial->sides[side].attempt);
	dial_free(dial);
}

static void give_up(struct connection *connection, int side, int error)
{
	/* Dialled ahead, for whoever comes: there is no name yet. */
	const char *name = connection->name ? connection->name : "clients to come";

	log_warn("connection %" PRIu64 ": cannot connect to %s for %s: %s", connection->id,
		 side_names[side], name, strerror(error));
	/* The public proxy hears of it by the RST that follows the token: without it, it would wait
	 * for a dial-back as long as its client does. */
	connection->dial->sides[side].failed = true;
	if (side == SIDE_INSIDE && !connection->dial->sides[SIDE_OUTSIDE].connected)
		return;
	connection_close(connection, true,
			 side == SIDE_OUTSIDE ? "the public proxy could not be reached"
					      : "the internal server could not be reached");
}

/* It was connected, and is no more. */
static void inside_lost(struct connection *connection, int error)
{
	connection->dial->sides[SIDE_INSIDE].connected = false;
	watch_close(&connection->stream.ends[SIDE_INSIDE].watch);
	give_up(connection, SIDE_INSIDE, error);
}

static int show_token(struct connection *connection)
{
	struct stream_end *outside = &connection->stream.ends[SIDE_OUTSIDE];

	/* The send buffer of a new connection takes 32 bytes in one piece. */
	ssize_t n = send(outside->watch.fd, connection->dial->token, TOKEN_BYTES,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n != TOKEN_BYTES)
		return n < 0 ? -errno : -EIO;
	outside->sent = TOKEN_BYTES;
	return 0;
}

/* The client's address for the internal server, where the settings ask for it. */
static int introduce(struct connection *connection)
{
	enum send_proxy version = connection->worker->shop->config->send_proxy;
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

static void on_connected(struct connection *connection, int side)
{
	struct dial *dial = connection->dial;
	struct watch *watch = &connection->stream.ends[side].watch;

	dial->sides[side].connected = true;
	timer_disarm(&connection->worker->timers, &dial->sides[side].attempt);
	if (side == SIDE_OUTSIDE) {
		int r = show_token(connection);
		if (r < 0) {
			give_up(connection, side, -r);
			return;
		}
		if (dial->sides[SIDE_INSIDE].failed) {
			connection_close(connection, true,
					 "the internal server could not be reached");
			return;
		}
	}
	if (connection->ahead) {
		dial_cancel(connection);
		ahead_begin(connection);
		return;
	}
	if (side == SIDE_INSIDE && introduce(connection) < 0) {
		inside_lost(connection, EPIPE);
		return;
	}
	if (dial->sides[!side].connected) {
		dial_cancel(connection);
		pair_begin(connection);
		return;
	}
	if (watch_set(connection->worker->epoll, watch, 0) < 0)
		give_up(connection, side, ENOMEM);
}

static const struct addr *current(const struct dial_side *side)
{
	return &side->addrs[side->next - 1];
}

/* Nobody listens on a port that the kernel has picked for our own end (RFC 9293 3.5). */
static bool is_self(int fd, const struct addr *target)
{
	struct addr own = {.len = sizeof(own.sa)};

	return getsockname(fd, (struct sockaddr *)&own.sa, &own.len) == 0 &&
	       own.len == target->len && memcmp(&own.sa, &target->sa, own.len) == 0;
}

static void on_ready(struct watch *watch, uint32_t events)
{
	struct connection *connection = connection_of_watch(watch);
	int side = watch == &connection->stream.ends[SIDE_INSIDE].watch;
	int error = 0;
	socklen_t length = sizeof(error);

	if (connection->dial->sides[side].connected) {
		/* EPOLLERR or EPOLLHUP while the other side is still connecting. */
		if (side == SIDE_INSIDE)
			inside_lost(connection, ECONNRESET);
		else
			connection_close(connection, true, "reset from outside");
		return;
	}
	if (getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		error = errno;
	if (!error && !(events & EPOLLOUT))
		error = ECONNRESET;
	if (!error && is_self(watch->fd, current(&connection->dial->sides[side])))
		error = ECONNREFUSED;
	if (!error) {
		on_connected(connection, side);
		return;
	}
	watch_close(watch);
	errno = error;
	dial_next(connection, side);
}

/* On one machine it is, by the time that connect() says EINPROGRESS: nobody need sleep for it. */
static bool is_connected(int fd)
{
	struct addr peer = {.len = sizeof(peer.sa)};

	return getpeername(fd, (struct sockaddr *)&peer.sa, &peer.len) == 0;
}

/* 1: connected; 0: the watch will tell; -errno: this address is no use. */
static int try_address(struct connection *connection, int side, const struct addr *addr)
{
	const struct config *config = connection->worker->shop->config;
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
	watch->ready = on_ready;
	if (connected)
		return 1;
	int r = watch_set(connection->worker->epoll, watch, EPOLLOUT);
	if (r < 0)
		watch_close(watch);
	return r;
}

/* Each address that is left gets the same part of the time that is left. */
static void share_time(struct connection *connection, struct dial_side *to)
{
	uint64_t now = clock_now();

	if (to->next < to->n && connection->deadline.armed && connection->deadline.due > now)
		timer_arm(&connection->worker->timers, &to->attempt,
			  now + (connection->deadline.due - now) / (to->n - to->next + 1));
}

/* errno tells why the address before was no use. */
static void dial_next(struct connection *connection, int side)
{
	struct dial_side *to = &connection->dial->sides[side];

	timer_disarm(&connection->worker->timers, &to->attempt);
	while (to->next < to->n) {
		int r = try_address(connection, side, &to->addrs[to->next++]);
		if (r > 0) {
			on_connected(connection, side);
			return;
		}
		if (r == 0) {
			share_time(connection, to);
			return;
		}
		errno = -r;
	}
	give_up(connection, side, errno);
}

/* This address is silent: the next one, while there is time. */
static void on_attempt_over(struct timer *timer)
{
	struct dial_side *to = container_of(timer, struct dial_side, attempt);
	struct connection *connection = to->dial->connection;
	int side = to == &to->dial->sides[SIDE_INSIDE];

	watch_close(&connection->stream.ends[side].watch);
	errno = ETIMEDOUT;
	dial_next(connection, side);
}

static void on_deadline(struct timer *timer)
{
	struct connection *connection = container_of(timer, struct connection, deadline);
	bool outside = connection->dial->sides[SIDE_OUTSIDE].connected;

	give_up(connection, outside ? SIDE_INSIDE : SIDE_OUTSIDE, ETIMEDOUT);
}

static void dial_outside(struct connection *connection)
{
	struct worker *worker = connection->worker;

	connection->deadline.fire = on_deadline;
	timer_arm(&worker->timers, &connection->deadline,
		  connection->began + worker->shop->config->dial_timeout);
	errno = EDESTADDRREQ;
	dial_next(connection, SIDE_OUTSIDE);
}

static int prepare(struct connection *connection, const struct mail *mail)
{
	if (dial_new(connection) < 0)
		return -ENOMEM;
	struct dial *dial = connection->dial;
	memcpy(dial->token, mail->u.dial.token, TOKEN_BYTES);
	dial->sides[SIDE_OUTSIDE].n = mail->u.dial.n_outside;
	dial->sides[SIDE_INSIDE].n = mail->u.dial.n_inside;
	memcpy(dial->sides[SIDE_OUTSIDE].addrs, mail->u.dial.outside, sizeof(mail->u.dial.outside));
	memcpy(dial->sides[SIDE_INSIDE].addrs, mail->u.dial.inside, sizeof(mail->u.dial.inside));
	return connection_set_name(connection, mail->u.dial.domain, mail->u.dial.operator);
}

void dial_begin(struct worker *worker, const struct mail *mail)
{
	struct connection *connection = connection_new(worker, CONNECTION_DIAL);

	if (!connection) {
		log_warn("too many connections: a notice for %s is not followed",
			 mail->u.dial.domain);
		return;
	}
	if (prepare(connection, mail) < 0) {
		connection_close(connection, true, "out of memory");
		return;
	}
	dial_outside(connection);
	if (connection->state != CONNECTION_DIAL)
		return;
	errno = EDESTADDRREQ;
	dial_next(connection, SIDE_INSIDE);
}

void dial_ahead(struct worker *worker, const struct mail *mail)
{
	struct connection *connection = connection_new(worker, CONNECTION_DIAL);

	if (!connection) {
		ahead_tell(worker, 0, PARKED_LOST, mail->u.park.operator, "");
		return;
	}
	connection->ahead = true;
	connection->operator= strdup(mail->u.park.operator);
	if (dial_new(connection) < 0 || !connection->operator) {
		connection_close(connection, true, "out of memory");
		return;
	}
	memcpy(connection->dial->token, mail->u.park.token, TOKEN_BYTES);
	connection->dial->sides[SIDE_OUTSIDE].n = mail->u.park.n_outside;
	memcpy(connection->dial->sides[SIDE_OUTSIDE].addrs, mail->u.park.outside,
	       sizeof(mail->u.park.outside));
	dial_outside(connection);
}

static void dial_inside(struct connection *connection, const struct addr *addrs, unsigned n)
{
	struct dial_side *inside = &connection->dial->sides[SIDE_INSIDE];

	inside->n = n;
	memcpy(inside->addrs, addrs, n * sizeof(*addrs));
	errno = EDESTADDRREQ;
	dial_next(connection, SIDE_INSIDE);
}

int dial_resume(struct connection *connection, const struct addr *addrs, unsigned n)
{
	struct worker *worker = connection->worker;
	struct watch *outside = &connection->stream.ends[SIDE_OUTSIDE].watch;

	connection_move(connection, CONNECTION_DIAL);
	if (dial_new(connection) < 0)
		return -ENOMEM;
	connection->dial->sides[SIDE_OUTSIDE].connected = true;
	connection->deadline.fire = on_deadline;
	timer_arm(&worker->timers, &connection->deadline,
		  clock_now() + worker->shop->config->dial_timeout);
	outside->ready = on_ready;
	if (n > 0)
		dial_inside(connection, addrs, n);
	else
		ids_add(connection);
	return connection->state == CONNECTION_DIAL ? watch_set(worker->epoll, outside, 0) : 0;
}

void dial_answered(struct worker *worker, const struct mail *mail)
{
	struct connection *connection = ids_find(worker, mail->u.inside.connection);
	const struct addr *addrs = mail->u.inside.inside;
	unsigned n = mail->u.inside.n_inside;

	if (!connection || connection->state != CONNECTION_DIAL || !connection->dial)
		return; /* gone meanwhile */
	if (n == 0) {
		connection_close(connection, true, "nobody has announced this name here");
		return;
	}
	inside_learn(worker->inside, connection->name, connection->operator, addrs, n, clock_now());
	ids_remove(connection);
	dial_inside(connection, addrs, n);
}
