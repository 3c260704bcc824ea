/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON-RPC as one path of an HTTP router, beside whatever else that serves. */
#pragma once

#include "common/http/router.h"
#include "common/jsonrpc/jsonrpc.h"

/*
 * One request under way. It has to be answered exactly once, now or later in
 * the loop's thread, through jsonrpc_call_result() or jsonrpc_call_error(),
 * even when the asker has gone meanwhile. Either frees the call.
 */
struct jsonrpc_call;

typedef void (*jsonrpc_handler)(struct jsonrpc_call *call, void *arg);

struct jsonrpc_endpoint {
	jsonrpc_handler handler;
	void *arg;
};

/* `endpoint` stays as long as the router's servers. Failures as in http_router_add(). */
int jsonrpc_endpoint_add(struct jsonrpc_endpoint *endpoint, struct http_router *router,
			 const char *path);

/* Answer anything that is no call with an error, which is cleared, and the id null. */
void jsonrpc_endpoint_refuse(struct http_exchange *exchange, struct jsonrpc_error *error);

const struct jsonrpc_request *jsonrpc_call_request(const struct jsonrpc_call *call);
void jsonrpc_call_result(struct jsonrpc_call *call, json_t *result); /* takes `result` */
void jsonrpc_call_error(struct jsonrpc_call *call,
			struct jsonrpc_error *error); /* takes and clears */
