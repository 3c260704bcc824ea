// SPDX-License-Identifier: BSD-2-Clause
#include "user/public/notices.h"

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/container_of.h"
#include "common/base/log.h"
#include "common/loop/timer.h"
#include "user/wire/answer.h"
#include "user/wire/token_text.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct pending {
	TAILQ_ENTRY(pending) in_line; /* until it is sent */
	struct notices *notices;
	struct notice_line *line;
	struct mail *mail; /* until it is sent, then NULL */
	uint64_t due;      /* its client waits until then */
	unsigned worker;
	uint64_t connection;
};

/* Of one private proxy. There while it has any. */
struct notice_line {
	struct table_link link;
	char operator[OPERATOR_MAX + 1];
	unsigned sent; /* and not answered */
	TAILQ_HEAD(, pending) waiting;
};

__attribute__((format(printf, 2, 3))) static void refuse(const struct pending *pending,
							 const char *format, ...)
{
	struct mail *mail = mail_new(MAIL_NOTICE_REFUSED);
	va_list args;

	if (!mail) {
		/* The connection then waits for its accept_timeout. */
		log_error("a refused notice cannot be reported: out of memory");
		return;
	}
	mail->u.refused.connection = pending->connection;
	va_start(args, format);
	vsnprintf(mail->u.refused.reason, sizeof(mail->u.refused.reason), format, args);
	va_end(args);
	crew_mail(pending->notices->crew, pending->worker, mail);
}

static void advance(struct notices *notices, struct notice_line *line);

static void pending_free(struct pending *pending)
{
	if (pending->mail)
		mail_free(pending->mail);
	pending->notices->under_way--;
	free(pending);
}

static void replied(int r, json_t *result, const struct jsonrpc_error *error, void *arg)
{
	struct pending *pending = arg;
	struct notices *notices = pending->notices;
	struct notice_line *line = pending->line;

	(void)result;
	line->sent--;
	if (r == -EPROTO)
		refuse(pending, "refused: %d %s", error->code, error->message);
	else if (r < 0)
		refuse(pending, "relay: %s", answer_why(r, error));
	pending_free(pending);
	if (r != -ECANCELED) /* the client is being freed */
		advance(notices, line);
}

static int call(struct notices *notices, struct pending *pending, unsigned timeout_ms)
{
	const struct mail *mail = pending->mail;

	assert(mail); /* in line means not sent yet */
	char method[OPERATOR_MAX + sizeof(".incomingConnection")], token[TOKEN_TEXT];

	snprintf(method, sizeof(method), "%s.incomingConnection", mail->u.notice.operator);
	token_text_encode(mail->u.notice.token, token);
	AUTO_JSON json_t *params = json_pack("{s:s, s:s, s:s}", "domain", mail->u.notice.domain,
					     "token", token, "endpoint", notices->endpoint);
	explicit_bzero(token, sizeof(token));
	if (!params)
		return -ENOMEM;
	return jsonrpc_client_call(notices->client, method, params, NULL, timeout_ms, replied,
				   pending);
}

/* The first in line. */
static void send_first(struct notices *notices, struct notice_line *line)
{
	struct pending *pending = TAILQ_FIRST(&line->waiting);
	uint64_t now = clock_now();

	TAILQ_REMOVE(&line->waiting, pending, in_line);
	if (pending->due <= now) {
		refuse(pending, "others of this private proxy were not answered in time");
		pending_free(pending);
		return;
	}
	int r = call(notices, pending,
		     (unsigned)((pending->due - now + NS_PER_MS - 1) / NS_PER_MS));
	if (r < 0) {
		refuse(pending, "relay: %s", strerror(-r));
		pending_free(pending);
		return;
	}
	mail_free(TAKE_PTR(pending->mail));
	line->sent++;
}

static void advance(struct notices *notices, struct notice_line *line)
{
	while (line->sent < notices->sent_per_line && !TAILQ_EMPTY(&line->waiting))
		send_first(notices, line);
	if (line->sent > 0 || !TAILQ_EMPTY(&line->waiting))
		return;
	table_remove(&notices->lines, &line->link);
	free(line);
}

static struct notice_line *of(struct table_link *link)
{
	return container_of(link, struct notice_line, link);
}

static bool same(const struct table_link *link, const void *name)
{
	return strcmp(container_of(link, struct notice_line, link)->operator, name) == 0;
}

static struct notice_line *line_of(struct notices *notices, const char *name)
{
	uint64_t hash = table_hash_string(&notices->lines, name);
	struct table_link *link = table_find(&notices->lines, hash, same, name);

	if (link)
		return of(link);
	struct notice_line *line = calloc(1, sizeof(*line));
	if (!line)
		return NULL;
	snprintf(line->operator, sizeof(line->operator), "%s", name);
	TAILQ_INIT(&line->waiting);
	table_add(&notices->lines, &line->link, hash);
	return line;
}

void notices_send(struct notices *notices, struct mail *mail)
{
	const struct pending origin = {
		.notices = notices,
		.mail = mail,
		.due = clock_now() + notices->timeout_ms * NS_PER_MS,
		.worker = mail->u.notice.worker,
		.connection = mail->u.notice.connection,
	};

	if (notices->under_way >= notices->max) {
		refuse(&origin, "too many notices under way (limit %u)", notices->max);
		mail_free(mail);
		return;
	}
	struct pending *pending = malloc(sizeof(*pending));
	struct notice_line *line = pending ? line_of(notices, mail->u.notice.operator) : NULL;
	if (!line) {
		refuse(&origin, "out of memory");
		mail_free(mail);
		free(pending);
		return;
	}
	*pending = origin;
	pending->line = line;
	notices->under_way++;
	TAILQ_INSERT_TAIL(&line->waiting, pending, in_line);
	advance(notices, line);
}

void notices_clear(struct notices *notices)
{
	struct table_link *link, *next;
	struct pending *pending;

	TABLE_FOREACH(link, next, &notices->lines) {
		struct notice_line *line = of(link);

		while ((pending = TAILQ_FIRST(&line->waiting))) {
			TAILQ_REMOVE(&line->waiting, pending, in_line);
			pending_free(pending);
		}
		free(line);
	}
	table_clear(&notices->lines);
}
