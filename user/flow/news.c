// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/news.h"

#include "common/base/cleanup.h"
#include "user/flow/connection.h"
#include "user/flow/worker.h"

#include <errno.h>

static struct mail *fill(struct mail *mail, const struct worker *worker, uint64_t connection,
			 enum parked_condition condition)
{
	mail->u.parked.condition = condition;
	mail->u.parked.worker = worker->index;
	mail->u.parked.connection = connection;
	return mail;
}

/* In the memory of the order. */
static struct mail *end_of(struct connection *connection, enum parked_condition condition)
{
	struct mail *mail = TAKE_PTR(connection->news);

	mail_turn(mail, MAIL_PARKED);
	return fill(mail, connection->worker, connection->id, condition);
}

int news_waiting(struct connection *connection)
{
	struct worker *worker = connection->worker;
	struct mail *mail = mail_new_named(MAIL_PARKED, connection->proxy, "");

	if (!mail)
		return -ENOMEM;
	/* That one more waits is only counted. */
	outbox_put_later(&worker->outbox, fill(mail, worker, connection->id, PARKED_WAITING));
	return 0;
}

int news_taken(struct connection *connection, const char *domain)
{
	struct worker *worker = connection->worker;
	struct mail *mail = NULL;

	if (*domain)
		mail = mail_new_named(MAIL_PARKED, connection->proxy, domain);
	if (mail) {
		/* Whoever names a domain waits for an answer. */
		outbox_put(&worker->outbox, fill(mail, worker, connection->id, PARKED_TAKEN));
		mail_free(TAKE_PTR(connection->news));
		return 0;
	}
	outbox_put_later(&worker->outbox, end_of(connection, PARKED_TAKEN));
	return *domain ? -ENOMEM : 0;
}

void news_lost(struct connection *connection)
{
	outbox_put(&connection->worker->outbox, end_of(connection, PARKED_LOST));
}

void news_unreachable(struct connection *connection)
{
	struct mail *mail = mail_new_named(MAIL_UNREACHABLE, connection->proxy, connection->name);

	if (mail)
		outbox_put_later(&connection->worker->outbox, mail);
}

void news_never(struct worker *worker, struct mail *order)
{
	mail_turn(order, MAIL_PARKED);
	outbox_put(&worker->outbox, fill(order, worker, 0, PARKED_LOST));
}
