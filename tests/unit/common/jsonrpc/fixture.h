/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server of JSON-RPC on loopback, whose methods answer in the ways that
 * tests need. Included by one test program each.
 */
#pragma once

#include "common/base/cleanup.h"
#include "common/jsonrpc/server.h"
#include "tests/unit/common/http/raw.h"

static struct jsonrpc_call *held; /* by the method "hold" */
static unsigned handled;

static void on_call(struct jsonrpc_call *call, void *arg)
{
	const struct jsonrpc_request *request = jsonrpc_call_request(call);
	struct jsonrpc_error error = {0};

	(void)arg;
	handled++;
	if (strcmp(request->method, "hold") == 0) {
		held = call;
	} else if (strcmp(request->method, "refuse") == 0) {
		jsonrpc_error_set(&error, 403, json_pack("{s:i}", "n", 1), "not allowed");
		jsonrpc_call_error(call, &error);
	} else if (strcmp(request->method, "big") == 0) {
		AUTO_FREE char *text = malloc(5 << 20);
		memset(text, 'x', 5 << 20);
		jsonrpc_call_result(call, json_stringn(text, 5 << 20));
	} else if (strcmp(request->method, "nothing") == 0) {
		jsonrpc_call_result(call, NULL);
	} else {
		jsonrpc_call_result(call, json_incref(request->params));
	}
}

static struct jsonrpc_server *serve(json_t *settings)
{
	AUTO_JSON json_t *taken = settings;
	AUTO_FREE char *error = NULL;
	struct jsonrpc_server *server = NULL;

	if (jsonrpc_server_new(base, taken, "op-1", on_call, NULL, &server, &error) < 0)
		fail_msg("%s", error);
	return server;
}

static struct jsonrpc_server *serve_for(int timeout_ms)
{
	return serve(json_pack("{s:s, s:i, s:i, s:i}", "bind_address", "127.0.0.1:0", "timeout",
			       timeout_ms, "body_limit", 10000, "max_connections", 4));
}

/* For a client that may be kept waiting by a busy machine. */
static inline struct jsonrpc_server *serve_plain(void)
{
	return serve_for(600000);
}
