// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/rendezvous.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/loop/socket.h"
#include "user/flow/complain.h"
#include "user/flow/connection.h"
#include "user/flow/ids.h"
#include "user/flow/pair.h"
#include "user/flow/park.h"
#include "user/flow/refuse.h"
#include "user/flow/serve.h"
#include "user/flow/waiting.h"
#include "user/flow/worker.h"
#include "user/wire/token.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

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

static int make_token(struct connection *connection, uint8_t token[TOKEN_BYTES])
{
	struct worker *worker = connection->worker;

	int r = token_make(worker->index, worker->shop->config->workers, token);
	return r < 0 ? r : token_hash(worker->hasher, token, connection->token_key);
}

/* `neighbour`: a worker that may have a parked one, and if not, sends the notice on; or -1. */
static int send_for(struct connection *connection, const uint8_t token[TOKEN_BYTES], int neighbour)
{
	struct worker *worker = connection->worker;
	struct mail *mail = mail_new(MAIL_NOTICE);

	if (!mail)
		return -ENOMEM;
	memcpy(mail->u.notice.token, token, TOKEN_BYTES);
	mail->u.notice.worker = worker->index;
	mail->u.notice.connection = connection->id;
	snprintf(mail->u.notice.domain, sizeof(mail->u.notice.domain), "%s", connection->name);
	snprintf(mail->u.notice.operator, sizeof(mail->u.notice.operator), "%s",
		 connection->operator);
	if (neighbour >= 0) {
		mail->type = MAIL_BORROW;
		worker_mail(worker->shop->workers[neighbour], mail);
	} else {
		outbox_put(&worker->outbox, mail);
	}
	return 0;
}

static const char *why_not(int error)
{
	switch (error) {
	case -EUSERS:
		return "too many connections wait for a private proxy";
	case -EDQUOT:
		return "too many connections wait for this private proxy";
	default:
		return "out of memory";
	}
}

void rendezvous_begin(struct connection *connection)
{
	struct worker *worker = connection->worker;
	struct watch *watch = &connection->stream.ends[SIDE_OUTSIDE].watch;
	uint8_t token[TOKEN_BYTES];

	struct operator_entry *private = operators_get(&worker->operators, connection->operator);

	int r = private ? make_token(connection, token) : -ENOMEM;
	if (r == 0)
		r = waiting_enter(worker->waiting, private, connection);
	if (r < 0) {
		refuse(connection, ALERT_INTERNAL_ERROR, why_not(r));
		return;
	}
	connection_move(connection, CONNECTION_RENDEZVOUS);
	ids_add(connection);
	r = send_for(connection, token, park_neighbour(worker));
	OPENSSL_cleanse(token, sizeof(token));
	if (r < 0) {
		refuse(connection, ALERT_INTERNAL_ERROR, "out of memory");
		return;
	}
	watch->ready = on_ready;
	connection->deadline.fire = on_deadline;
	timer_arm(&worker->timers, &connection->deadline,
		  clock_now() + worker->shop->config->accept_timeout);
	if (watch_set(worker->epoll, watch, 0) < 0)
		connection_close(connection, true, "no memory to watch the connection");
}

void rendezvous_forget(struct connection *connection)
{
	waiting_leave(connection->worker->waiting, connection);
	ids_remove(connection);
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

void rendezvous_claimed(struct worker *worker, int fd, const uint8_t token[TOKEN_BYTES])
{
	uint8_t key[TOKEN_KEY_BYTES];
	struct connection *connection = NULL;

	if (token_hash(worker->hasher, token, key) == 0) {
		connection = waiting_find(worker->waiting, key);
		if (!connection && park_claimed(worker, fd, key))
			return;
	}
	if (!connection) {
		complain(&worker->complaints, COMPLAINT_TOKEN_WRONG, NULL);
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
		connection = waiting_find(worker->waiting, key);
	if (!connection)
		(void)close(fd); /* the client has gone meanwhile */
	else if (!serve_by_parked(connection, fd) && send_for(connection, token, -1) < 0)
		refuse(connection, ALERT_INTERNAL_ERROR, "out of memory");
}
