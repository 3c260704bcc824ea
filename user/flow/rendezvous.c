// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/rendezvous.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/loop/socket.h"
#include "user/flow/complain.h"
#include "user/flow/connection.h"
#include "user/flow/ids.h"
#include "user/flow/park.h"
#include "user/flow/serve.h"
#include "user/flow/waiting.h"
#include "user/flow/worker.h"
#include "user/wire/token.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Nothing but EPOLLERR and EPOLLHUP was asked for. */
static void rendezvous_ready(struct connection *connection, int side, uint32_t events)
{
	(void)side;
	(void)events;
	connection_close(connection, true, ENDING_WAITING_RESET);
}

static void rendezvous_deadline(struct connection *connection)
{
	connection_refuse(connection, ALERT_INTERNAL_ERROR, ENDING_NO_DIAL_BACK);
}

/* No dial-back comes in any more. */
static void rendezvous_stop(struct connection *connection)
{
	connection_close(connection, true, ENDING_STOPPED);
}

static int make_token(struct connection *connection, uint8_t token[TOKEN_BYTES])
{
	struct worker *worker = connection->worker;

	int r = token_make(worker->index, worker->all->n, token);
	return r < 0 ? r : token_hash(worker->hasher, token, connection->token_key);
}

/* `neighbour`: a worker that may have a parked one, and if not, sends the notice on; or -1. */
static int send_for(struct connection *connection, const uint8_t token[TOKEN_BYTES], int neighbour)
{
	struct worker *worker = connection->worker;
	struct mail *mail = mail_new_named(MAIL_NOTICE, connection->proxy, connection->name);

	if (!mail)
		return -ENOMEM;
	memcpy(mail->u.notice.token, token, TOKEN_BYTES);
	mail->u.notice.worker = worker->index;
	mail->u.notice.connection = connection->id;
	counters_add(&worker->counters, COUNTER_NOTICES, 1);
	if (neighbour >= 0) {
		mail->type = MAIL_BORROW;
		mailbox_put(worker->all->list[neighbour]->box, mail);
	} else {
		outbox_put(&worker->outbox, mail);
	}
	return 0;
}

static enum ending why_not(int error)
{
	switch (error) {
	case -EUSERS:
		return ENDING_PENDING;
	case -EDQUOT:
		return ENDING_PENDING_OPERATOR;
	default:
		return ENDING_MEMORY;
	}
}

static void rendezvous_enter(struct connection *connection)
{
	struct worker *worker = connection->worker;
	uint8_t token[TOKEN_BYTES];

	int r = make_token(connection, token);
	if (r == 0)
		r = waiting_enter(worker->waiting, connection->proxy, connection);
	if (r == 0) {
		ids_add(connection);
		r = send_for(connection, token, park_neighbour(worker));
	}
	OPENSSL_cleanse(token, sizeof(token));
	if (r < 0) {
		connection_refuse(connection, ALERT_INTERNAL_ERROR, why_not(r));
		return;
	}
	connection_arm(connection, clock_now() + worker->config->accept_timeout);
	if (connection_watch(connection, SIDE_OUTSIDE, 0) < 0)
		connection_close(connection, true, ENDING_WATCH);
}

/* Its token is of no use any more. */
static void rendezvous_leave(struct connection *connection)
{
	waiting_leave(connection->worker->waiting, connection);
	ids_remove(connection);
}

void rendezvous_refused(struct worker *worker, uint64_t id, const char *reason)
{
	struct connection *connection = ids_find(worker, id);

	if (!connection)
		return; /* gone meanwhile */
	log_warn("connection %" PRIu64 ": %s cannot be sent for: %s", id, connection->proxy,
		 reason);
	connection_refuse(connection, ALERT_INTERNAL_ERROR, ENDING_NOT_TOLD);
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
	counters_add(&worker->counters, COUNTER_BY_RENDEZVOUS, 1);
	connection_move(connection, CONNECTION_PAIR);
}

void rendezvous_lent(struct worker *worker, int fd, const uint8_t token[TOKEN_BYTES])
{
	uint8_t key[TOKEN_KEY_BYTES];
	struct connection *connection = NULL;

	if (token_hash(worker->hasher, token, key) == 0)
		connection = waiting_find(worker->waiting, key);
	if (!connection) {
		(void)close(fd); /* the client has gone meanwhile */
		return;
	}
	if (serve_by_parked(connection, fd))
		counters_add(&worker->counters, COUNTER_BY_LENT, 1);
	else if (send_for(connection, token, -1) < 0)
		connection_refuse(connection, ALERT_INTERNAL_ERROR, ENDING_MEMORY);
}

const struct state_ops state_rendezvous = {
	.name = "rendezvous",
	.next = TO(CONNECTION_PAIR) | TO(CONNECTION_REFUSE),
	.enter = rendezvous_enter,
	.leave = rendezvous_leave,
	.ready = rendezvous_ready,
	.deadline = rendezvous_deadline,
	.stop = rendezvous_stop,
};
