// SPDX-License-Identifier: BSD-2-Clause
#include "common/jsonrpc/endpoint.h"

#include "common/base/cleanup.h"

#include <string.h>

struct jsonrpc_call {
	struct http_exchange *exchange;
	struct jsonrpc_request request;
};

/* Dumps `reply` and takes it; NULL stands for a lack of memory. */
static void send_reply(struct http_exchange *exchange, int status, json_t *reply)
{
	static const char no_memory[] = "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32603,"
					"\"message\":\"internal error\"},\"id\":null}";
	AUTO_FREE char *text = reply ? json_dumps(reply, JSON_COMPACT) : NULL;
	const struct http_answer answer = {.status = text ? status : 400};
	const char *body = text ? text : no_memory;

	json_decref(reply);
	http_exchange_reply(exchange, &answer, body, strlen(body));
}

static void send_error(struct http_exchange *exchange, const json_t *id,
		       struct jsonrpc_error *error)
{
	send_reply(exchange, 400, jsonrpc_error_reply(id, error));
	jsonrpc_error_clear(error);
}

void jsonrpc_endpoint_refuse(struct http_exchange *exchange, struct jsonrpc_error *error)
{
	send_error(exchange, NULL, error);
}

static void on_request(struct http_exchange *exchange, void *arg)
{
	const struct jsonrpc_endpoint *endpoint = arg;
	struct jsonrpc_request request = {0};
	struct jsonrpc_error error = {0};
	size_t length;

	const char *body = http_exchange_body(exchange, &length);
	/* A web page can make a browser post anything but this type, here on loopback too. */
	if (!http_exchange_has_type(exchange, "application/json"))
		jsonrpc_error_set(&error, JSONRPC_PARSE_ERROR, NULL, "JSON required");
	else if (jsonrpc_request_parse(body, length, &request, &error) == 0) {
		struct jsonrpc_call *call = calloc(1, sizeof(*call));
		if (call) {
			call->exchange = exchange;
			call->request = request;
			endpoint->handler(call, endpoint->arg);
			return;
		}
		jsonrpc_request_clear(&request);
		jsonrpc_error_set(&error, JSONRPC_INTERNAL_ERROR, NULL, "internal error");
	}
	send_error(exchange, NULL, &error);
}

int jsonrpc_endpoint_add(struct jsonrpc_endpoint *endpoint, struct http_router *router,
			 const char *path)
{
	/* The originals look neither at the method nor, before the body, at its type. */
	const struct http_route route = {
		.path = path,
		.methods = HTTP_METHOD_ANY,
		.handle = on_request,
		.arg = endpoint,
	};

	return http_router_add(router, &route);
}

const struct jsonrpc_request *jsonrpc_call_request(const struct jsonrpc_call *call)
{
	return &call->request;
}

static void call_free(struct jsonrpc_call *call)
{
	jsonrpc_request_clear(&call->request);
	free(call);
}

void jsonrpc_call_result(struct jsonrpc_call *call, json_t *result)
{
	send_reply(call->exchange, 200, jsonrpc_result_reply(call->request.id, result));
	json_decref(result);
	call_free(call);
}

void jsonrpc_call_error(struct jsonrpc_call *call, struct jsonrpc_error *error)
{
	send_error(call->exchange, call->request.id, error);
	call_free(call);
}
