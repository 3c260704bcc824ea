// SPDX-License-Identifier: BSD-2-Clause
#include "user/private/incoming.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "user/answer.h"
#include "user/caller.h"
#include "user/private/endpoints.h"
#include "user/timestamp.h"
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

/* True when there are addresses. */
static bool take_addresses(struct dial *dial, const char *endpoint, int n, const struct addr *list,
			   struct addr *ret, unsigned *ret_n)
{
	if (n < 0) {
		log_warn("connection: domain=%s proxy=%s: %s cannot be resolved: %s",
			 dial->mail->u.dial.domain, dial->mail->u.dial.operator, endpoint,
			 strerror(-n));
		return false;
	}
	*ret_n = (unsigned)n < ENDPOINT_ADDRS ? (unsigned)n : ENDPOINT_ADDRS;
	memcpy(ret, list, *ret_n * sizeof(*list));
	return true;
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

/* The unexpired announcement for this server name at this public proxy: exact, then wildcard. */
static const struct announcement *match(const struct private_service *service, const char *domain,
					const char *proxy)
{
	char wildcard[DOMAIN_MAX + 2];
	int64_t now = timestamp_now();

	const struct announcement *item = announcements_find(service->announcements, domain, proxy);
	if (item && !announcement_expired(item, now))
		return item;
	const char *rest = strchr(domain, '.');
	if (!rest)
		return NULL;
	snprintf(wildcard, sizeof(wildcard), "*%s", rest);
	item = announcements_find(service->announcements, wildcard, proxy);
	return item && !announcement_expired(item, now) ? item : NULL;
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

/* True when the endpoint may be dialled; otherwise the call is answered. */
static bool endpoint_allowed(const struct private_service *service, struct jsonrpc_call *call,
			     const struct caller *caller, const char *endpoint)
{
	int r = endpoints_check(service->public_proxies, caller, endpoint);

	if (r == 0)
		return true;
	log_warn("connection: proxy=%s names the endpoint \"%s\", which neither the settings nor "
		 "the directory give for it; to allow it, add {name: %s, endpoints: [\"%s\"]} to "
		 "private.public_proxies",
		 caller->name, endpoint, caller->name, endpoint);
	answer_error(call, 403, "endpoint not allowed", NULL);
	return false;
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
		       const struct notice *notice, const struct announcement *item)
{
	const char *inside =
		item->internal_address ? item->internal_address : service->internal_address;

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
	const struct announcement *item = match(service, notice.domain, notice.caller.name);
	if (!item) {
		answer_error(call, 404, "no matching connection found", NULL);
	} else if (!endpoint_allowed(service, call, &notice.caller, notice.endpoint)) {
		return;
	} else if (service->dials >= service->max_dials) {
		log_warn("connection: domain=%s proxy=%s refused: %u are being resolved already",
			 notice.domain, notice.caller.name, service->dials);
		answer_error(call, 429, "too many connections are being set up", NULL);
	} else {
		start_dial(service, call, &notice, item);
	}
}
