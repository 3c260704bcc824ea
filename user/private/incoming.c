// SPDX-License-Identifier: BSD-2-Clause
#include "user/private/incoming.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "user/answer.h"
#include "user/caller.h"
#include "user/private/target.h"
#include "user/token_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Between the answer "ok" and the mail to a worker: its addresses are being resolved. */
struct dial {
	struct private_service *service;
	struct mail *mail;
	char *outside, *inside;
};

static void dial_free(struct dial *dial)
{
	if (!dial)
		return;
	mail_free(dial->mail);
	free(dial->outside);
	free(dial->inside);
	free(dial);
}

static void dial_end(struct dial *dial)
{
	dial->service->dials--;
	dial_free(dial);
}

static bool take_addresses(struct dial *dial, const char *endpoint, int n, const struct addr *list,
			   struct addr *ret, unsigned *ret_n)
{
	return target_addresses(dial->mail->u.dial.domain, dial->mail->u.dial.operator, endpoint, n,
				list, ret, ret_n);
}

static void inside_resolved(int n, const struct addr *list, void *arg)
{
	struct dial *dial = arg;

	if (take_addresses(dial, dial->inside, n, list, dial->mail->u.dial.inside,
			   &dial->mail->u.dial.n_inside))
		crew_mail_next(dial->service->crew, TAKE_PTR(dial->mail));
	dial_end(dial);
}

static void outside_resolved(int n, const struct addr *list, void *arg)
{
	struct dial *dial = arg;

	if (take_addresses(dial, dial->outside, n, list, dial->mail->u.dial.outside,
			   &dial->mail->u.dial.n_outside))
		resolver_lookup(dial->service->resolver, dial->inside, inside_resolved, dial);
	else
		dial_end(dial);
}

static struct dial *dial_new(struct private_service *service, const char *endpoint,
			     const char *inside)
{
	struct dial *dial = calloc(1, sizeof(*dial));

	if (!dial)
		return NULL;
	dial->service = service;
	dial->mail = mail_new(MAIL_DIAL);
	dial->outside = strdup(endpoint);
	dial->inside = strdup(inside);
	if (!dial->mail || !dial->outside || !dial->inside) {
		dial_free(dial);
		return NULL;
	}
	return dial;
}

struct notice {
	struct caller caller;
	char domain[DOMAIN_MAX + 1];
	const char *endpoint;
	uint8_t token[TOKEN_BYTES];
};

static void notice_clear(struct notice *notice)
{
	explicit_bzero(notice->token, sizeof(notice->token));
}

static bool read_params(struct jsonrpc_call *call, struct notice *ret)
{
	const json_t *params = jsonrpc_call_request(call)->params;
	struct form form = FORM_INIT;

	if (caller_parse(params, &ret->caller) < 0)
		form_fail(&form, "_client", "is required");
	form_domain(&form, params, false, ret->domain);
	ret->endpoint = form_string(&form, params, "endpoint", ADDR_HOST_MAX + 8);
	const char *token = form_string(&form, params, "token", TOKEN_TEXT);
	if (token[0] != '\0' && token_decode(token, ret->token) < 0)
		form_fail(&form, "token", "is not the base64 of 32 bytes");
	if (form_ok(&form))
		return true;
	answer_invalid(call, &form);
	return false;
}

static void start_dial(struct private_service *service, struct jsonrpc_call *call,
		       const struct notice *notice, const char *inside)
{
	struct dial *dial = dial_new(service, notice->endpoint, inside);
	if (!dial) {
		answer_internal(call, "out of memory");
		return;
	}
	memcpy(dial->mail->u.dial.token, notice->token, TOKEN_BYTES);
	strcpy(dial->mail->u.dial.domain, notice->domain);
	snprintf(dial->mail->u.dial.operator, sizeof(dial->mail->u.dial.operator), "%s",
		 notice->caller.name);
	jsonrpc_call_result(call, json_pack("{s:s}", "message", "ok"));
	service->dials++;
	resolver_lookup(service->resolver, dial->outside, outside_resolved, dial);
}

void private_incoming(struct private_service *service, struct jsonrpc_call *call)
{
	CLEANUP(notice_clear) struct notice notice = {0};

	if (!read_params(call, &notice))
		return;
	const char *inside = target_inside(service, notice.domain, notice.caller.name);
	if (!inside) {
		answer_error(call, 404, "no matching connection found", NULL);
	} else if (!target_allowed(service, &notice.caller, notice.endpoint)) {
		answer_error(call, 403, "endpoint not allowed", NULL);
	} else if (service->dials >= service->max_dials) {
		log_warn("connection: domain=%s proxy=%s refused: %u are being resolved already",
			 notice.domain, notice.caller.name, service->dials);
		answer_error(call, 429, "too many connections are being set up", NULL);
	} else {
		start_dial(service, call, &notice, inside);
	}
}
