/* SPDX-License-Identifier: BSD-2-Clause */
/* A server with a router that the test fills. Included by one test program each. */
#pragma once

#include "common/base/cleanup.h"
#include "common/http/server.h"
#include "tests/unit/common/http/raw.h"

#define REQUEST_MS   700
#define STREAM_BYTES 20000

static struct http_router *router;
static struct http_server *server;
static uint16_t port;

static const struct http_server_limits limits = {
	.body_bytes = 1000,
	.head_bytes = 2000,
	.stream_bytes = STREAM_BYTES,
	.connections = 4,
	.request_ms = REQUEST_MS,
	.idle_ms = REQUEST_MS,
};

static inline void route(const char *path, unsigned methods, const char *type, http_handler handle)
{
	const struct http_route route = {path, methods, type, handle, NULL};

	assert_int_equal(http_router_add(router, &route), 0);
}

static inline int serve(void **state)
{
	AUTO_FREE char *error = NULL;

	if (open_loop(state) < 0)
		return -1;
	const struct http_server_config config = {
		.base = base,
		.bind_address = "127.0.0.1:0",
		.limits = limits,
		.router = router = http_router_new(),
	};
	if (http_server_new(&config, &server, &error) < 0)
		return -1;
	port = http_server_port(server);
	return 0;
}

static inline int stop(void **state)
{
	http_server_free(server);
	server = NULL;
	http_router_free(router);
	return close_loop(state);
}
