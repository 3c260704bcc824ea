// SPDX-License-Identifier: BSD-2-Clause
#include "user/public/announce.h"

#include "common/base/cleanup.h"
#include "common/base/log.h"
#include "common/base/timestamp.h"
#include "user/wire/allowed_domains.h"
#include "user/wire/answer.h"
#include "user/wire/caller.h"

#include <errno.h>
#include <string.h>

struct item {
	char domain[DOMAIN_MAX + 1]; /* empty: no host name */
	const char *reason;          /* … and why */
	int64_t expires_at;
	bool changed;
};

struct announce {
	struct public_service *service;
	struct caller caller;
	struct allowed_domains allowed;
	struct item *items;
	size_t n;
	int64_t now;
};

static void announce_clear(struct announce *announce)
{
	allowed_domains_clear(&announce->allowed);
	free(announce->items);
}

/*
 * What is malformed rejects the whole call, as at the originals. A string
 * that is no host name rejects its item only: originals pass on what they
 * were given, and one bad record must not take the others down.
 */
static void read_item(struct form *form, const json_t *connection, int64_t now, struct item *ret)
{
	const char *domain = form_string(form, connection, "domain", 4 * DOMAIN_MAX);

	form_expires_at(form, connection, now, &ret->expires_at);
	if (domain_normalise(domain, true, ret->domain, &ret->reason) < 0)
		ret->domain[0] = '\0';
}

static int read_params(struct announce *announce, const json_t *params, struct form *form)
{
	const json_t *list = json_object_get(params, "connections"), *connection;
	size_t i;

	if (caller_parse(params, &announce->caller) < 0)
		form_fail(form, "_client", "is required");
	if (!json_is_array(list)) {
		form_fail(form, "connections", list ? "is not a list" : "is required");
		return 0;
	}
	announce->n = json_array_size(list);
	announce->items = calloc(announce->n + 1, sizeof(*announce->items));
	if (!announce->items)
		return -ENOMEM;
	json_array_foreach(list, i, connection) {
		form_item(form, "connections", i);
		if (json_is_object(connection))
			read_item(form, connection, announce->now, &announce->items[i]);
		else
			form_fail(form, "", "is not an object");
	}
	return 0;
}

static json_t *put(struct announce *announce, struct item *item)
{
	struct stored record = {
		.domain = item->domain,
		.proxy = "",
		.owner = announce->caller.name,
		.expires_at = item->expires_at,
	};

	int r = announcements_put(announce->service->announcements, &record);
	item->changed = r == 1;
	switch (r) {
	case -EDQUOT:
		return answer_refusal(429, "too many announcements of this operator");
	case -ENOSPC:
		return answer_refusal(429, "too many announcements");
	case 0:
	case 1:
		return json_null();
	default:
		return answer_refusal(JSONRPC_INTERNAL_ERROR, "internal error");
	}
}

/* null: accepted. */
static json_t *announce_item(struct announce *announce, struct item *item)
{
	struct announcements *all = announce->service->announcements;
	const struct announcement *holder = announcements_find(all, item->domain, "");

	if (item->domain[0] == '\0') {
		char message[128];
		snprintf(message, sizeof(message), "invalid domain: %s", item->reason);
		return answer_refusal(400, message);
	}
	if (!allowed_domains_cover(&announce->allowed, item->domain))
		return answer_refusal(403, "not allowed");
	bool own = holder && strcmp(holder->owner, announce->caller.name) == 0;
	if (holder && !own && !announcement_expired(holder, announce->now))
		return answer_refusal(409, "already taken");
	/* The originals' only way to withdraw is to announce what has expired already. */
	if (item->expires_at != 0 && item->expires_at <= announce->now) {
		if (own)
			item->changed = announcements_remove(all, item->domain, "") == 0;
		return json_null();
	}
	return put(announce, item);
}

static void log_changes(const struct announce *announce)
{
	for (size_t i = 0; i < announce->n; i++) {
		const struct item *item = &announce->items[i];
		char until[TIMESTAMP_TEXT_MAX] = "withdrawn";

		if (!item->changed)
			continue;
		if (item->expires_at > announce->now)
			timestamp_format(item->expires_at, until);
		else if (item->expires_at == 0)
			strcpy(until, "never");
		log_info("announcement: domain=%s operator=%s expires=%s", item->domain,
			 announce->caller.name, until);
	}
}

static void announce_all(struct announce *announce, struct jsonrpc_call *call)
{
	struct public_service *service = announce->service;
	AUTO_JSON json_t *answers = json_array();

	for (size_t i = 0; i < announce->n; i++)
		json_array_append_new(answers, announce_item(announce, &announce->items[i]));

	int r = announcements_commit(service->announcements);
	if (r < 0) {
		log_error("announcements of %s cannot be stored: %s", announce->caller.name,
			  announcements_reason(service->announcements));
		answer_internal(call, "the announcements cannot be stored");
		return;
	}
	if (r > 0) {
		log_changes(announce);
		service->changed(service->arg);
	}
	jsonrpc_call_result(call, TAKE_PTR(answers));
}

/* 0, or the call is answered. */
static int check_settings(struct announce *announce, struct jsonrpc_call *call)
{
	const json_t *settings = caller_proxy_settings(&announce->caller, announce->service->name);

	if (!settings) {
		answer_error(call, 403, "not authorized", NULL);
		return -EACCES;
	}
	int r = allowed_domains_load(settings, &announce->allowed);
	if (r < 0)
		answer_error(call, 500, "invalid directory settings", NULL);
	return r;
}

void public_announce(struct public_service *service, struct jsonrpc_call *call)
{
	CLEANUP(announce_clear)
	struct announce announce = {.service = service, .now = timestamp_now()};
	struct form form = FORM_INIT;

	int r = read_params(&announce, jsonrpc_call_request(call)->params, &form);
	if (r < 0) {
		form_clear(&form);
		answer_internal(call, "out of memory");
	} else if (!form_ok(&form)) {
		answer_invalid(call, &form);
	} else if (check_settings(&announce, call) == 0) {
		announce_all(&announce, call);
	}
}
