// SPDX-License-Identifier: BSD-2-Clause
#include "user/private/reserve.h"

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/loop/timer.h"
#include "user/private/endpoints.h"
#include "user/private/target.h"
#include "user/wire/answer.h"
#include "user/wire/limits.h"
#include "user/wire/token_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CALL_MS 10000

/* What the public proxy has given, until its endpoint is resolved. */
struct reserved {
	struct lot *lot;
	unsigned n;
	uint8_t tokens[RESERVE_MAX][TOKEN_BYTES];
	char endpoint[ADDR_HOST_MAX + 8];
};

static void reserved_free(struct reserved *reserved)
{
	explicit_bzero(reserved->tokens, sizeof(reserved->tokens));
	free(reserved);
}

/* How many were mailed. */
static unsigned dial(struct reserved *reserved, unsigned n, const struct addr *list)
{
	struct lot *lot = reserved->lot;

	for (unsigned i = 0; i < reserved->n; i++) {
		struct mail *mail = mail_new_named(MAIL_PARK, lot->name, "");
		if (!mail)
			return i;
		memcpy(mail->u.park.token, reserved->tokens[i], TOKEN_BYTES);
		memcpy(mail->u.park.outside, list, n * sizeof(*list));
		mail->u.park.n_outside = n;
		crew_mail_next(lot->keeper->service->crew, mail);
		lot->dialled++;
	}
	return reserved->n;
}

static void resolved(const struct resolver_answer *answer, void *arg)
{
	struct reserved *reserved = arg;
	struct lot *lot = reserved->lot;
	int n = answer->n < ENDPOINT_ADDRS ? answer->n : ENDPOINT_ADDRS;
	char problem[ADDR_HOST_MAX + 512];

	if (lot->keeper->stopped) {
		lot->asked = 0;
	} else if (n < 0) {
		snprintf(problem, sizeof(problem), "%s cannot be resolved: %s", reserved->endpoint,
			 answer->reason);
		lot_failed(lot, problem);
	} else {
		free(lot->endpoint);
		lot->endpoint = strdup(reserved->endpoint);
		lot_succeeded(lot, dial(reserved, (unsigned)n, answer->addrs));
	}
	reserved_free(reserved);
}

/* NULL, or what is wrong with it. */
static const char *read_answer(const json_t *result, unsigned asked, struct reserved *ret)
{
	const char *endpoint = json_string_value(json_object_get(result, "endpoint"));
	const json_t *tokens = json_object_get(result, "tokens"), *token;
	size_t i;

	if (!endpoint || strlen(endpoint) >= sizeof(ret->endpoint) || !json_is_array(tokens))
		return "its answer holds no endpoint, or no list of tokens";
	strcpy(ret->endpoint, endpoint);
	json_array_foreach((json_t *)tokens, i, token) {
		const char *text = json_string_value(token);
		if (ret->n >= asked)
			break;
		if (!text || token_text_decode(text, ret->tokens[ret->n]) < 0)
			return "its answer holds a token that is none";
		ret->n++;
	}
	return NULL;
}

/* What we know of it may be old: then ask the directory before it counts. */
static void not_allowed(struct lot *lot)
{
	if (lot->directory && !lot->fresh)
		lot_failed(lot, "the directory may have changed");
	else
		lot_refused(lot, "it names an endpoint that may not be dialled", true);
}

static bool allowed(const struct lot *lot, const char *endpoint)
{
	const struct private_service *service = lot->keeper->service;
	const struct caller proxy = {.name = lot->name, .entry = lot->directory};

	if (lot->directory && !lot->fresh)
		return endpoints_check(service->public_proxies, &proxy, endpoint) == 0;
	return target_allowed(service, &proxy, endpoint);
}

/* Answers that will be the same next time. */
static bool for_good(int code)
{
	return code == 403 || code == JSONRPC_METHOD_NOT_FOUND;
}

static void failed_reply(struct lot *lot, int r, const struct jsonrpc_error *error)
{
	char problem[ANSWER_PROBLEM_MAX];

	answer_problem(r, error, problem);
	if (r == -EPROTO && (for_good(error->code) || error->code == 404))
		lot_refused(lot, problem, for_good(error->code));
	else
		lot_failed(lot, problem);
}

static void replied(int r, json_t *result, const struct jsonrpc_error *error, void *arg)
{
	struct lot *lot = arg;

	if (lot->keeper->stopped) {
		lot->asked = 0;
		return;
	}
	if (r < 0) {
		failed_reply(lot, r, error);
		return;
	}
	struct reserved *reserved = calloc(1, sizeof(*reserved));
	if (!reserved) {
		lot_failed(lot, "out of memory");
		return;
	}
	reserved->lot = lot;
	const char *problem = read_answer(result, lot->asked, reserved);
	if (problem) {
		lot_failed(lot, problem);
		reserved_free(reserved);
	} else if (reserved->n == 0) {
		lot_full(lot);
		reserved_free(reserved);
	} else if (!allowed(lot, reserved->endpoint)) {
		not_allowed(lot);
		reserved_free(reserved);
	} else {
		resolver_lookup(lot->keeper->service->resolver, reserved->endpoint, resolved,
				reserved);
	}
}

static void reserve(struct lot *lot)
{
	char method[OPERATOR_MAX + sizeof(".reserveConnections")];

	snprintf(method, sizeof(method), "%s.reserveConnections", lot->name);
	AUTO_JSON json_t *params = json_pack("{s:i}", "count", (int)lot->asked);
	int r = params ? jsonrpc_client_call(lot->keeper->service->client, method, params, NULL,
					     CALL_MS, replied, lot)
		       : -ENOMEM;
	if (r < 0)
		lot_failed(lot, strerror(-r));
}

static json_t *find_entry(const json_t *result, const char *name)
{
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(result, "entries"), i, entry) {
		const char *text = json_string_value(json_object_get(entry, "name"));
		if (text && strcmp(text, name) == 0)
			return entry;
	}
	return NULL;
}

static void looked_up(int r, json_t *result, const struct jsonrpc_error *error, void *arg)
{
	struct lot *lot = arg;
	json_t *entry = find_entry(result, lot->name);

	if (lot->keeper->stopped) {
		lot->asked = 0;
	} else if (r < 0) {
		failed_reply(lot, r, error);
	} else if (!entry) {
		lot_refused(lot, "the directory has no entry for it", true);
	} else {
		lot->directory = json_incref(entry);
		lot->directory_since = clock_now_ms();
		lot->fresh = true;
		reserve(lot);
	}
}

/* The own relay knows the directory, and answers this itself. */
static void look_up(struct lot *lot)
{
	const struct private_service *service = lot->keeper->service;
	char method[OPERATOR_MAX + sizeof("._directory")];

	snprintf(method, sizeof(method), "%s._directory", service->name);
	AUTO_JSON json_t *params = json_pack("{s:s}", "operator", lot->name);
	int r = params ? jsonrpc_client_call(service->client, method, params, NULL, CALL_MS,
					     looked_up, lot)
		       : -ENOMEM;
	if (r < 0)
		lot_failed(lot, strerror(-r));
}

void reserve_begin(struct lot *lot)
{
	unsigned missing = lot_missing(lot);

	lot->asked = missing < RESERVE_MAX ? missing : RESERVE_MAX;
	if (lot->directory &&
	    clock_now_ms() - lot->directory_since >= lot->keeper->settings.directory)
		lot_forget_directory(lot);
	if (lot->directory || endpoints_configured(lot->keeper->service->public_proxies, lot->name))
		reserve(lot);
	else
		look_up(lot);
}
