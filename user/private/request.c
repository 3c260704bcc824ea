// SPDX-License-Identifier: BSD-2-Clause
#include "user/private/request.h"

#include "common/base/cleanup.h"
#include "common/base/log.h"
#include "common/base/timestamp.h"
#include "user/wire/answer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool read_params(struct request *request, struct caller *ret_caller)
{
	const json_t *params = jsonrpc_call_request(request->call)->params;
	struct form form = FORM_INIT;

	if (caller_parse(params, ret_caller) < 0)
		form_fail(&form, "_client", "is required");
	else
		snprintf(request->owner, sizeof(request->owner), "%s", ret_caller->name);
	form_domain(&form, params, true, request->domain);
	snprintf(request->proxy, sizeof(request->proxy), "%s",
		 form_string(&form, params, "proxy", OPERATOR_MAX));
	form_expires_at(&form, params, timestamp_now(), &request->expires_at);
	if (form_ok(&form))
		return true;
	answer_invalid(request->call, &form);
	return false;
}

struct request *request_new(struct private_service *service, struct jsonrpc_call *call,
			    struct caller *ret_caller)
{
	struct request *request = NULL;

	if (service->calls >= service->max_calls) {
		answer_error(call, 429, "too many requests under way", NULL);
		return NULL;
	}
	request = calloc(1, sizeof(*request));
	if (!request) {
		answer_internal(call, "out of memory");
		return NULL;
	}
	request->service = service;
	request->call = call;
	service->calls++;
	if (!read_params(request, ret_caller)) {
		request_end(request);
		return NULL;
	}
	return request;
}

void request_end(struct request *request)
{
	request->service->calls--;
	free(request);
}

void request_ask(struct request *request, const char *method, jsonrpc_reply reply)
{
	char full[OPERATOR_MAX + 32];

	snprintf(full, sizeof(full), "%s.%s", request->proxy, method);
	AUTO_JSON json_t *params =
		json_pack("{s:[o]}", "connections",
			  announcer_connection(request->domain, request->proxy, request->expires_at,
					       timestamp_now()));
	int r = params ? jsonrpc_client_call(request->service->client, full, params, NULL,
					     PRIVATE_CALL_MS, reply, request)
		       : -ENOMEM;
	if (r < 0) {
		answer_internal(request->call, strerror(-r));
		request_end(request);
	}
}

static void not_reached(struct request *request, int r, const struct jsonrpc_error *error)
{
	json_t *data =
		json_pack("{s:s, s:s}", "proxy", request->proxy, "reason", answer_why(r, error));

	if (r == -EPROTO)
		json_object_set_new(data, "code", json_integer(error->code));
	answer_error(request->call, JSONRPC_INTERNAL_ERROR, "internal error", data);
}

bool request_agreed(struct request *request, int r, const json_t *result,
		    const struct jsonrpc_error *error)
{
	const json_t *answers = answer_list(result);
	const char *message;
	int code;

	if (r < 0) {
		not_reached(request, r, error);
		return false;
	}
	if (json_array_size(answers) != 1) {
		answer_internal(request->call, "the public proxy's answer is not a list of one");
		return false;
	}
	if (answer_item_ok(json_array_get(answers, 0), &code, &message))
		return true;
	answer_error(request->call, code, message, NULL);
	return false;
}

void request_not_stored(struct request *request)
{
	log_error("announcement: domain=%s proxy=%s cannot be stored: %s", request->domain,
		  request->proxy, announcements_reason(request->service->announcements));
	answer_internal(request->call, "the announcement cannot be stored");
}
