// SPDX-License-Identifier: BSD-2-Clause
#include "user/private/announce.h"

#include "common/base/cleanup.h"
#include "common/base/log.h"
#include "common/base/timestamp.h"
#include "user/private/request.h"
#include "user/wire/allowed_domains.h"
#include "user/wire/answer.h"

#include <errno.h>
#include <string.h>

/* Settings that cover the domain, or the call is answered. */
static bool allowed(const struct request *request, const struct caller *caller)
{
	const json_t *settings = caller_proxy_settings(caller, request->service->name);
	struct allowed_domains list;

	if (!settings) {
		answer_error(request->call, 403, "not authorized", NULL);
		return false;
	}
	if (allowed_domains_load(settings, &list) < 0) {
		answer_error(request->call, 500, "invalid directory settings", NULL);
		return false;
	}
	bool covered = allowed_domains_cover(&list, request->domain);
	allowed_domains_clear(&list);
	if (!covered)
		answer_error(request->call, 403, "not allowed to forward this domain",
			     json_deep_copy(settings));
	return covered;
}

/* Nobody else's, as far as we know; asked again when the public proxy has answered. */
static bool is_free(const struct request *request)
{
	const struct announcement *holder = announcements_find(request->service->announcements,
							       request->domain, request->proxy);

	return !holder || holder->owner[0] == '\0' || strcmp(holder->owner, request->owner) == 0 ||
	       announcement_expired(holder, timestamp_now());
}

static bool is_fixed(const struct request *request)
{
	const struct announcement *holder = announcements_find(request->service->announcements,
							       request->domain, request->proxy);

	return holder && holder->fixed;
}

/* What is in the settings stays as it is there; its owner may announce it all the same. */
static int store(const struct request *request)
{
	struct announcements *all = request->service->announcements;
	const struct stored record = {
		.domain = request->domain,
		.proxy = request->proxy,
		.owner = request->owner,
		.expires_at = request->expires_at,
	};

	if (is_fixed(request))
		return 0;
	int r = announcements_put(all, &record);
	return r < 0 ? r : announcements_commit(all);
}

static void accept_announcement(struct request *request)
{
	struct private_service *service = request->service;

	int r = store(request);
	if (r == -EDQUOT || r == -ENOSPC) {
		answer_error(request->call, 429, "too many announcements", NULL);
		return;
	}
	if (r < 0) {
		request_not_stored(request);
		return;
	}
	struct announcement *item =
		announcements_find(service->announcements, request->domain, request->proxy);
	item->accepted = true;
	if (announcer_watch(service->announcer, request->proxy) < 0)
		log_error("public proxy %s is not looked after: out of memory", request->proxy);
	if (r > 0)
		log_info("announcement: domain=%s proxy=%s owner=%s", request->domain,
			 request->proxy, request->owner);
	answer_ok(request->call);
}

static void announced(int r, json_t *result, const struct jsonrpc_error *error, void *arg)
{
	struct request *request = arg;

	if (request_agreed(request, r, result, error)) {
		if (is_free(request))
			accept_announcement(request);
		else
			answer_error(request->call, 409, "already taken", NULL);
	}
	request_end(request);
}

/* Limits are asked before the public proxy is, so that it does not keep what we cannot. */
static bool has_room(const struct request *request)
{
	struct announcements *all = request->service->announcements;
	const struct stored record = {
		.domain = request->domain,
		.proxy = request->proxy,
		.owner = request->owner,
		.expires_at = request->expires_at,
	};

	if (is_fixed(request))
		return true;
	int r = announcements_put(all, &record);
	announcements_rollback(all);
	if (r < 0)
		answer_error(request->call, 429, "too many announcements", NULL);
	return r >= 0;
}

void private_announce(struct private_service *service, struct jsonrpc_call *call)
{
	struct caller caller;

	struct request *request = request_new(service, call, &caller);
	if (!request)
		return;
	if (strcmp(request->proxy, service->name) == 0) {
		answer_error(call, 400, "trying to announce with private proxy name", NULL);
	} else if (allowed(request, &caller)) {
		if (!is_free(request)) {
			answer_error(call, 409, "already taken", NULL);
		} else if (has_room(request)) {
			request_ask(request, "announceConnections", announced);
			return;
		}
	}
	request_end(request);
}

static void forget(struct request *request)
{
	struct announcements *all = request->service->announcements;

	(void)announcements_remove(all, request->domain, request->proxy);
	if (announcements_commit(all) < 0) {
		request_not_stored(request);
		return;
	}
	log_info("announcement: domain=%s proxy=%s owner=%s withdrawn", request->domain,
		 request->proxy, request->owner);
	answer_ok(request->call);
}

/* The answer to a withdrawal in either of its forms. */
static void withdrawn(int r, json_t *result, const struct jsonrpc_error *error, void *arg)
{
	const json_t *item = json_array_get(answer_list(result), 0);
	struct request *request = arg;
	const char *message;
	int code;

	/* 404: it has expired there, or was lost. That is what was asked for. */
	bool gone = r == 0 && !answer_item_ok(item, &code, &message) && code == 404;
	if (gone || request_agreed(request, r, result, error))
		forget(request);
	request_end(request);
}

/*
 * An original knows no withdrawal, and the directory may not permit it yet:
 * then announce it once more, so that it expires at once.
 */
static void withdrawn_or_unknown(int r, json_t *result, const struct jsonrpc_error *error,
				 void *arg)
{
	struct request *request = arg;

	if (r == -EPROTO && (error->code == JSONRPC_METHOD_NOT_FOUND || error->code == 403)) {
		request->expires_at = timestamp_now() + 1000;
		request_ask(request, "announceConnections", withdrawn);
		return;
	}
	withdrawn(r, result, error, request);
}

void private_withdraw(struct private_service *service, struct jsonrpc_call *call)
{
	struct caller caller;

	struct request *request = request_new(service, call, &caller);
	if (!request)
		return;
	const struct announcement *item =
		announcements_find(service->announcements, request->domain, request->proxy);
	if (!item || announcement_expired(item, timestamp_now()) ||
	    strcmp(item->owner, request->owner) != 0) {
		answer_error(call, 404, "no matching announcement", NULL);
	} else if (item->fixed) {
		answer_error(call, 400, "this announcement is in the private proxy's settings",
			     NULL);
	} else {
		request->expires_at = 0;
		request_ask(request, "withdrawConnection", withdrawn_or_unknown);
		return;
	}
	request_end(request);
}
