// SPDX-License-Identifier: BSD-2-Clause
#include "user/private/incoming.h"

#include "common/base/cleanup.h"
#include "common/base/domain.h"
#include "common/base/log.h"
#include "user/private/target.h"
#include "user/wire/answer.h"
#include "user/wire/caller.h"
#include "user/wire/token_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct notice {
	struct caller caller;
	char domain[DOMAIN_MAX + 1];
	const char *endpoint;
	uint8_t token[TOKEN_BYTES];
};

/*
 * Until the answer, and the mail to a worker: its addresses are being resolved.
 * When they cannot be, the public proxy is told, so that its client need not
 * wait for nobody.
 */
struct resolving {
	struct private_service *service;
	struct jsonrpc_call *call;
	struct mail *mail;
	char *outside, *inside;
};

static void resolving_free(struct resolving *resolving)
{
	if (!resolving)
		return;
	mail_free(resolving->mail);
	free(resolving->outside);
	free(resolving->inside);
	free(resolving);
}

static void resolving_end(struct resolving *resolving)
{
	resolving->service->dials--;
	resolving_free(resolving);
}

static bool take_addresses(struct resolving *resolving, const char *endpoint,
			   const struct resolver_answer *answer, struct addr *ret, unsigned *ret_n)
{
	return target_addresses(resolving->mail->u.dial.domain, resolving->mail->u.dial.operator,
				endpoint, answer, ret, ret_n);
}

static void inside_resolved(const struct resolver_answer *answer, void *arg)
{
	struct resolving *resolving = arg;

	if (take_addresses(resolving, resolving->inside, answer, resolving->mail->u.dial.inside,
			   &resolving->mail->u.dial.n_inside)) {
		jsonrpc_call_result(resolving->call, json_pack("{s:s}", "message", "ok"));
		crew_mail_next(resolving->service->crew, TAKE_PTR(resolving->mail));
	} else {
		/* Its name is none of the public proxy's business. */
		answer_error(resolving->call, 502, "the internal server's name is not resolved",
			     NULL);
	}
	resolving_end(resolving);
}

static void outside_resolved(const struct resolver_answer *answer, void *arg)
{
	struct resolving *resolving = arg;

	if (take_addresses(resolving, resolving->outside, answer, resolving->mail->u.dial.outside,
			   &resolving->mail->u.dial.n_outside)) {
		resolver_lookup(resolving->service->resolver, resolving->inside, inside_resolved,
				resolving);
		return;
	}
	answer_error(resolving->call, 502, "the endpoint's name is not resolved", NULL);
	resolving_end(resolving);
}

static struct resolving *resolving_new(struct private_service *service, const struct notice *notice,
				       const char *inside)
{
	struct resolving *resolving = calloc(1, sizeof(*resolving));

	if (!resolving)
		return NULL;
	resolving->service = service;
	resolving->mail = mail_new_named(MAIL_DIAL, notice->caller.name, notice->domain);
	resolving->outside = strdup(notice->endpoint);
	resolving->inside = strdup(inside);
	if (!resolving->mail || !resolving->outside || !resolving->inside) {
		resolving_free(resolving);
		return NULL;
	}
	return resolving;
}

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
	if (token[0] != '\0' && token_text_decode(token, ret->token) < 0)
		form_fail(&form, "token", "is not the base64 of 32 bytes");
	if (form_ok(&form))
		return true;
	answer_invalid(call, &form);
	return false;
}

static void start_dial(struct private_service *service, struct jsonrpc_call *call,
		       const struct notice *notice, const char *inside)
{
	struct resolving *resolving = resolving_new(service, notice, inside);
	if (!resolving) {
		answer_internal(call, "out of memory");
		return;
	}
	memcpy(resolving->mail->u.dial.token, notice->token, TOKEN_BYTES);
	resolving->call = call;
	service->dials++;
	resolver_lookup(service->resolver, resolving->outside, outside_resolved, resolving);
}

void private_incoming(struct private_service *service, struct jsonrpc_call *call)
{
	CLEANUP(notice_clear) struct notice notice = {0};

	if (!read_params(call, &notice))
		return;
	const char *inside = target_inside(service, notice.domain, notice.caller.name);
	if (service->stopping) {
		/* So that the public proxy's client need not wait for nobody. */
		answer_error(call, 503, "stopping", NULL);
	} else if (!inside) {
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
