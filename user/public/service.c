// SPDX-License-Identifier: BSD-2-Clause
#include "user/public/service.h"

#include "common/base/cleanup.h"
#include "common/base/domain.h"
#include "common/base/log.h"
#include "common/base/timestamp.h"
#include "user/public/announce.h"
#include "user/public/reserve.h"
#include "user/wire/answer.h"
#include "user/wire/caller.h"

#include <string.h>

static bool matches(const json_t *params, const char *field, const char *value)
{
	const char *wanted = json_string_value(json_object_get(params, field));

	return !wanted || strcasecmp(wanted, value) == 0;
}

static json_t *describe(const struct announcement *item)
{
	char until[TIMESTAMP_TEXT_MAX];

	if (item->expires_at != 0)
		timestamp_format(item->expires_at, until);
	return json_pack("{s:s, s:s?, s:s}", "domain", item->domain, "expires_at",
			 item->expires_at ? until : NULL, "operator", item->owner);
}

/* `operator` and `domain` narrow the answer down; the originals know no parameters here. */
static void get_announcements(struct public_service *service, struct jsonrpc_call *call)
{
	const json_t *params = jsonrpc_call_request(call)->params;
	const struct announcement *item;
	int64_t now = timestamp_now();
	json_t *list = json_array();

	TAILQ_FOREACH(item, announcements_list(service->announcements), entry) {
		if (!announcement_expired(item, now) && matches(params, "operator", item->owner) &&
		    matches(params, "domain", item->domain))
			json_array_append_new(list, describe(item));
	}
	jsonrpc_call_result(call, list);
}

/* null: withdrawn. */
static json_t *withdraw_item(struct public_service *service, const char *owner, const char *domain,
			     int64_t now)
{
	const struct announcement *item = announcements_find(service->announcements, domain, "");

	if (!item || announcement_expired(item, now) || strcmp(item->owner, owner) != 0)
		return answer_refusal(404, "no matching announcement");
	if (announcements_remove(service->announcements, domain, "") < 0)
		return answer_refusal(JSONRPC_INTERNAL_ERROR, "internal error");
	return json_null();
}

/* `list` NULL: the parameters are the only item. NULL: something is wrong, in the form. */
static json_t *withdraw_items(struct public_service *service, const char *owner, json_t *list,
			      const json_t *params, struct form *form)
{
	size_t n = list ? json_array_size(list) : 1;
	AUTO_JSON json_t *answers = json_array();
	int64_t now = timestamp_now();
	char domain[DOMAIN_MAX + 1];

	for (size_t i = 0; i < n; i++) {
		form_item(form, list ? "connections" : NULL, i);
		form_domain(form, list ? json_array_get(list, i) : params, true, domain);
		if (!form_ok(form)) {
			announcements_rollback(service->announcements);
			return NULL;
		}
		json_array_append_new(answers, withdraw_item(service, owner, domain, now));
	}
	return TAKE_PTR(answers);
}

static void log_withdrawn(const json_t *answers, const json_t *list, const json_t *params,
			  const char *owner)
{
	const json_t *answer;
	size_t i;

	json_array_foreach(answers, i, answer) {
		const json_t *item = list ? json_array_get(list, i) : params;
		if (json_is_null(answer))
			log_info("announcement: domain=%s operator=%s withdrawn",
				 json_string_value(json_object_get(item, "domain")), owner);
	}
}

static void answer_withdrawn(struct jsonrpc_call *call, bool single, json_t *answers)
{
	const char *message;
	int code;

	if (!single)
		jsonrpc_call_result(call, json_incref(answers));
	else if (answer_item_ok(json_array_get(answers, 0), &code, &message))
		answer_ok(call);
	else
		answer_error(call, code, message, NULL);
}

/* {"domain"} or {"connections": [{"domain"}]}, the latter answered item by item. */
static void withdraw(struct public_service *service, struct jsonrpc_call *call)
{
	const json_t *params = jsonrpc_call_request(call)->params;
	json_t *list = json_object_get(params, "connections");
	AUTO_JSON json_t *answers = NULL;
	struct form form = FORM_INIT;
	struct caller caller;

	if (caller_parse(params, &caller) < 0)
		form_fail(&form, "_client", "is required");
	if (list && !json_is_array(list))
		form_fail(&form, "connections", "is not a list");
	if (form_ok(&form))
		answers = withdraw_items(service, caller.name, list, params, &form);
	if (!form_ok(&form)) {
		answer_invalid(call, &form);
		return;
	}
	int r = announcements_commit(service->announcements);
	if (r < 0) {
		log_error("the withdrawal of %s cannot be stored: %s", caller.name,
			  announcements_reason(service->announcements));
		answer_internal(call, "the withdrawal cannot be stored");
		return;
	}
	if (r > 0) {
		log_withdrawn(answers, list, params, caller.name);
		service->changed(service->arg);
	}
	answer_withdrawn(call, !list, answers);
}

static const struct {
	const char *method;
	void (*handle)(struct public_service *service, struct jsonrpc_call *call);
} methods[] = {
	{"announceConnections", public_announce},
	{"getAnnouncements", get_announcements},
	{"reserveConnections", public_reserve},
	{"withdrawConnection", withdraw},
};

void public_service_call(struct public_service *service, struct jsonrpc_call *call)
{
	const char *method = jsonrpc_call_request(call)->method;

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strcmp(methods[i].method, method) == 0) {
			methods[i].handle(service, call);
			return;
		}
	answer_error(call, JSONRPC_METHOD_NOT_FOUND, "method not found", NULL);
}
