// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/dial.h"

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "user/flow/connection.h"
#include "user/flow/dial_socket.h"
#include "user/flow/ids.h"
#include "user/flow/inside.h"
#include "user/flow/introduce.h"
#include "user/flow/news.h"
#include "user/flow/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

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

static void try_next(struct connection *connection, int side, int error);

/* This address is silent: the next one, while there is time. */
static void on_attempt_over(struct timer *timer)
{
	struct dial_side *to = container_of(timer, struct dial_side, attempt);
	struct connection *connection = to->dial->connection;
	int side = to == &to->dial->sides[SIDE_INSIDE];

	watch_close(&connection->stream.ends[side].watch);
	try_next(connection, side, ETIMEDOUT);
}

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

static void dial_free(struct connection *connection)
{
	struct dial *dial = TAKE_PTR(connection->dial);

	if (dial)
		OPENSSL_cleanse(dial->token, sizeof(dial->token));
	free(dial);
}

static void set_addresses(struct dial *dial, int side, const struct addr *addrs, unsigned n)
{
	dial->sides[side].n = n;
	memcpy(dial->sides[side].addrs, addrs, n * sizeof(*addrs));
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
	if (side == SIDE_INSIDE)
		news_unreachable(connection);
	if (side == SIDE_INSIDE && !connection->dial->sides[SIDE_OUTSIDE].connected)
		return;
	connection_close(connection, true,
			 side == SIDE_OUTSIDE ? ENDING_NO_OUTSIDE : ENDING_NO_INSIDE);
}

/* It was connected, and is no more. */
static void inside_lost(struct connection *connection, int error)
{
	connection->dial->sides[SIDE_INSIDE].connected = false;
	watch_close(&connection->stream.ends[SIDE_INSIDE].watch);
	give_up(connection, SIDE_INSIDE, error);
}

static void on_connected(struct connection *connection, int side)
{
	struct dial *dial = connection->dial;

	dial->sides[side].connected = true;
	timer_disarm(&connection->worker->timers, &dial->sides[side].attempt);
	if (side == SIDE_OUTSIDE) {
		int r = introduce_outside(connection, dial->token);
		if (r < 0) {
			give_up(connection, side, -r);
			return;
		}
		if (dial->sides[SIDE_INSIDE].failed) {
			connection_close(connection, true, ENDING_NO_INSIDE);
			return;
		}
	}
	if (connection->ahead)
		connection_move(connection, CONNECTION_AHEAD);
	else if (side == SIDE_INSIDE && introduce_inside(connection) < 0)
		inside_lost(connection, EPIPE);
	else if (dial->sides[!side].connected)
		connection_move(connection, CONNECTION_PAIR);
	else if (connection_watch(connection, side, 0) < 0)
		give_up(connection, side, ENOMEM);
}

static void dial_ready(struct connection *connection, int side, uint32_t events)
{
	const struct dial_side *to = &connection->dial->sides[side];
	struct watch *watch = &connection->stream.ends[side].watch;

	if (to->connected) {
		/* EPOLLERR or EPOLLHUP while the other side is still connecting. */
		if (side == SIDE_INSIDE)
			inside_lost(connection, ECONNRESET);
		else
			connection_close(connection, true, ENDING_RESET_OUTSIDE);
		return;
	}
	int error = dial_socket_result(watch->fd, &to->addrs[to->next - 1], events);
	if (!error) {
		on_connected(connection, side);
		return;
	}
	watch_close(watch);
	try_next(connection, side, error);
}

/* Each address that is left gets the same part of the time that is left. */
static void share_time(struct connection *connection, struct dial_side *to)
{
	uint64_t now = clock_now();

	if (to->next < to->n && connection->deadline.armed && connection->deadline.due > now)
		timer_arm(&connection->worker->timers, &to->attempt,
			  now + (connection->deadline.due - now) / (to->n - to->next + 1));
}

/* `error`: why the address before was no use. */
static void try_next(struct connection *connection, int side, int error)
{
	struct dial_side *to = &connection->dial->sides[side];

	timer_disarm(&connection->worker->timers, &to->attempt);
	while (to->next < to->n) {
		int r = dial_socket_try(connection, side, &to->addrs[to->next++]);
		if (r > 0) {
			on_connected(connection, side);
			return;
		}
		if (r == 0) {
			share_time(connection, to);
			return;
		}
		error = -r;
	}
	give_up(connection, side, error);
}

static void dial_deadline(struct connection *connection)
{
	bool outside = connection->dial->sides[SIDE_OUTSIDE].connected;

	give_up(connection, outside ? SIDE_INSIDE : SIDE_OUTSIDE, ETIMEDOUT);
}

static void start(struct connection *connection)
{
	const struct config *config = connection->worker->config;

	connection_arm(connection, connection->began + config->dial_timeout);
	try_next(connection, SIDE_OUTSIDE, EDESTADDRREQ);
	if (connection->state == CONNECTION_DIAL && !connection->ahead)
		try_next(connection, SIDE_INSIDE, EDESTADDRREQ);
}

/* Dialled ahead and taken now. Where its name leads may be known from a moment ago. */
static int find_inside(struct connection *connection)
{
	struct worker *worker = connection->worker;

	if (dial_new(connection) < 0) {
		(void)news_taken(connection, ""); /* it counts as waiting no longer */
		return -ENOMEM;
	}
	struct dial_side *inside = &connection->dial->sides[SIDE_INSIDE];
	connection->dial->sides[SIDE_OUTSIDE].connected = true;
	inside->n = inside_recall(worker->inside, connection->name, connection->proxy,
				  connection->began, inside->addrs);
	return news_taken(connection, inside->n > 0 ? "" : connection->name);
}

static void resume(struct connection *connection)
{
	struct worker *worker = connection->worker;

	if (find_inside(connection) < 0) {
		connection_close(connection, true, ENDING_MEMORY);
		return;
	}
	connection_arm(connection, clock_now() + worker->config->dial_timeout);
	if (connection->dial->sides[SIDE_INSIDE].n > 0)
		try_next(connection, SIDE_INSIDE, EDESTADDRREQ);
	else
		ids_add(connection);
	if (connection->state == CONNECTION_DIAL &&
	    connection_watch(connection, SIDE_OUTSIDE, 0) < 0)
		connection_close(connection, true, ENDING_MEMORY);
}

static void dial_enter(struct connection *connection)
{
	if (connection->dial)
		start(connection);
	else
		resume(connection);
}

static void dial_leave(struct connection *connection)
{
	for (int side = 0; connection->dial && side < 2; side++)
		timer_disarm(&connection->worker->timers, &connection->dial->sides[side].attempt);
	dial_free(connection);
	ids_remove(connection);
}

/* Nobody uses what is being dialled ahead, and nobody is to. */
static void dial_stop(struct connection *connection)
{
	if (connection->ahead)
		connection_close(connection, true, ENDING_STOPPED);
}

static int prepare(struct connection *connection, const struct mail *mail)
{
	if (dial_new(connection) < 0)
		return -ENOMEM;
	memcpy(connection->dial->token, mail->u.dial.token, TOKEN_BYTES);
	set_addresses(connection->dial, SIDE_OUTSIDE, mail->u.dial.outside, mail->u.dial.n_outside);
	set_addresses(connection->dial, SIDE_INSIDE, mail->u.dial.inside, mail->u.dial.n_inside);
	return connection_set_name(connection, mail->u.dial.domain, mail->u.dial.operator);
}

/* `r`: of its preparation. */
static void begin(struct connection *connection, int r)
{
	if (r == 0) {
		connection_move(connection, CONNECTION_DIAL);
		return;
	}
	dial_free(connection);
	connection_close(connection, true, ENDING_MEMORY);
}

void dial_begin(struct worker *worker, const struct mail *mail)
{
	struct connection *connection = connection_new(worker);

	if (!connection) {
		log_warn("too many connections: a notice for %s is not followed",
			 mail->u.dial.domain);
		return;
	}
	counters_add(&worker->counters, COUNTER_DIALS, 1);
	begin(connection, prepare(connection, mail));
}

static int prepare_ahead(struct connection *connection, const struct mail *mail)
{
	if (dial_new(connection) < 0)
		return -ENOMEM;
	memcpy(connection->dial->token, mail->u.park.token, TOKEN_BYTES);
	set_addresses(connection->dial, SIDE_OUTSIDE, mail->u.park.outside, mail->u.park.n_outside);
	connection->proxy = strdup(mail->u.park.operator);
	return connection->proxy ? 0 : -ENOMEM;
}

void dial_ahead(struct worker *worker, struct mail *mail)
{
	struct connection *connection = connection_new(worker);

	if (!connection) {
		news_never(worker, mail);
		return;
	}
	counters_add(&worker->counters, COUNTER_DIALS_AHEAD, 1);
	connection->ahead = true;
	connection->news = mail;
	begin(connection, prepare_ahead(connection, mail));
}

void dial_answered(struct worker *worker, const struct mail *mail)
{
	struct connection *connection = ids_find(worker, mail->u.inside.connection);
	const struct addr *addrs = mail->u.inside.inside;
	unsigned n = mail->u.inside.n_inside;

	if (!connection || connection->state != CONNECTION_DIAL)
		return; /* gone meanwhile */
	if (n == 0) {
		connection_close(connection, true,
				 mail->u.inside.unresolved ? ENDING_INSIDE_UNRESOLVED
							   : ENDING_NOT_ANNOUNCED_HERE);
		return;
	}
	inside_learn(worker->inside, connection->name, connection->proxy, addrs, n, clock_now());
	ids_remove(connection);
	set_addresses(connection->dial, SIDE_INSIDE, addrs, n);
	try_next(connection, SIDE_INSIDE, EDESTADDRREQ);
}

const struct state_ops state_dial = {
	.name = "dial",
	.next = TO(CONNECTION_PAIR) | TO(CONNECTION_AHEAD),
	.enter = dial_enter,
	.leave = dial_leave,
	.ready = dial_ready,
	.deadline = dial_deadline,
	.stop = dial_stop,
};
