/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server of JSON-RPC on loopback, whose methods answer in the ways that
 * tests need. Included by one test program each.
 */
#pragma once

#include "common/base/cleanup.h"
#include "common/base/log.h"
#include "common/jsonrpc/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 60000

static struct event_base *base;
static struct jsonrpc_call *held; /* by the method "hold" */
static unsigned handled;

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void turn(void)
{
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	usleep(500);
}

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

static struct jsonrpc_server *serve_plain(void)
{
	return serve(json_pack("{s:s, s:i, s:i, s:i}", "bind_address", "127.0.0.1:0", "timeout",
			       700, "body_limit", 10000, "max_connections", 4));
}

static int open_loop(void **state)
{
	(void)state;
	log_setup("test", LOG_ERROR, LOG_FORMAT_PLAIN);
	base = event_base_new();
	return base ? 0 : -1;
}

static int close_loop(void **state)
{
	(void)state;
	event_base_free(base);
	return 0;
}
