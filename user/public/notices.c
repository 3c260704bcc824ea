// SPDX-License-Identifier: BSD-2-Clause
#include "user/public/notices.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "user/answer.h"
#include "user/token_text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct pending {
	struct notices *notices;
	unsigned worker;
	uint64_t connection;
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

static void replied(int r, json_t *result, const struct jsonrpc_error *error, void *arg)
{
	AUTO_FREE struct pending *pending = arg;

	(void)result;
	pending->notices->under_way--;
	if (r == -EPROTO)
		refuse(pending, "refused: %d %s", error->code, error->message);
	else if (r < 0)
		refuse(pending, "relay: %s", answer_why(r, error));
}

static int call(struct notices *notices, const struct mail *mail, struct pending *pending)
{
	char method[OPERATOR_MAX + sizeof(".incomingConnection")], token[TOKEN_TEXT];

	snprintf(method, sizeof(method), "%s.incomingConnection", mail->u.notice.operator);
	token_encode(mail->u.notice.token, token);
	AUTO_JSON json_t *params = json_pack("{s:s, s:s, s:s}", "domain", mail->u.notice.domain,
					     "token", token, "endpoint", notices->endpoint);
	explicit_bzero(token, sizeof(token));
	if (!params)
		return -ENOMEM;
	return jsonrpc_client_call(notices->client, method, params, NULL, notices->timeout_ms,
				   replied, pending);
}

void notices_send(struct notices *notices, struct mail *mail)
{
	const struct pending origin = {
		.notices = notices,
		.worker = mail->u.notice.worker,
		.connection = mail->u.notice.connection,
	};
	AUTO_FREE struct pending *pending = NULL;
	int r = -ENOMEM;

	if (notices->under_way >= notices->max) {
		refuse(&origin, "too many notices under way (limit %u)", notices->max);
		mail_free(mail);
		return;
	}
	pending = malloc(sizeof(*pending));
	if (pending) {
		*pending = origin;
		r = call(notices, mail, pending);
	}
	mail_free(mail);
	if (r < 0) {
		refuse(&origin, "relay: %s", strerror(-r));
		return;
	}
	TAKE_PTR(pending);
	notices->under_way++;
}
