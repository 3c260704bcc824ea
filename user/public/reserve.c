// SPDX-License-Identifier: BSD-2-Clause
#include "user/public/reserve.h"

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/timestamp.h"
#include "common/loop/timer.h"
#include "user/wire/answer.h"
#include "user/wire/caller.h"
#include "user/wire/limits.h"
#include "user/wire/token.h"
#include "user/wire/token_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* 0: there is something wrong, in the form. Relays make doubles of integers. */
static unsigned read_count(struct form *form, const json_t *params)
{
	const json_t *field = json_object_get(params, "count");
	double count = json_number_value(field);

	if (!field)
		form_fail(form, "count", "is required");
	else if (!json_is_number(field) || !(count >= 1 && count <= RESERVE_MAX) ||
		 count != (unsigned)count)
		form_fail(form, "count", "is not an integer from 1 to 64");
	else
		return (unsigned)count;
	return 0;
}

/* Made, and in the worker's box. */
static int give_token(struct public_service *service, const char *owner, json_t *tokens)
{
	struct mail *mail = mail_new_named(MAIL_RESERVATION, owner, "");
	unsigned workers = service->crew->n;
	char text[TOKEN_TEXT];

	if (!mail)
		return -ENOMEM;
	unsigned worker = service->next_worker++ % workers;
	int r = token_make(worker, workers, mail->u.reservation.token);
	if (r < 0) {
		mail_free(mail);
		return r;
	}
	mail->u.reservation.valid_ms = service->valid_ms;
	token_text_encode(mail->u.reservation.token, text);
	r = json_array_append_new(tokens, json_string(text)) < 0 ? -ENOMEM : 0;
	explicit_bzero(text, sizeof(text));
	if (r == 0)
		crew_mail(service->crew, worker, mail);
	else
		mail_free(mail);
	return r;
}

static void reserve(struct public_service *service, const char *operator, unsigned wanted,
		    struct jsonrpc_call *call)
{
	AUTO_JSON json_t *tokens = json_array();
	unsigned n = 0;
	int r = 0;

	if (!service->stopping && service->crew->n > 0)
		n = reservations_take(service->reservations, operator, wanted, clock_now_ms());
	for (unsigned i = 0; i < n && r == 0; i++)
		r = give_token(service, operator, tokens);
	if (r < 0)
		log_error("%s gets %zu of %u tokens for parked connections: %s", operator,
			  json_array_size(tokens), n, strerror(-r));
	jsonrpc_call_result(call,
			    json_pack("{s:s, s:O, s:f}", "endpoint", service->endpoint, "tokens",
				      tokens, "expires_in", service->valid_ms / 1000.0));
}

void public_reserve(struct public_service *service, struct jsonrpc_call *call)
{
	const json_t *params = jsonrpc_call_request(call)->params;
	struct form form = FORM_INIT;
	struct caller caller;

	if (caller_parse(params, &caller) < 0)
		form_fail(&form, "_client", "is required");
	unsigned count = read_count(&form, params);
	if (!form_ok(&form))
		answer_invalid(call, &form);
	else if (!caller_proxy_settings(&caller, service->name))
		answer_error(call, 403, "not authorized", NULL);
	else if (!announcements_owner_has_any(service->announcements, caller.name, timestamp_now()))
		answer_error(call, 404, "no matching announcement", NULL);
	else
		reserve(service, caller.name, count, call);
}
