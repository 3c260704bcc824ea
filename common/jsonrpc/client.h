/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON-RPC over HTTP(S) on a libevent loop: the side that asks. Connections are kept and reused. */
#pragma once

#include "common/jsonrpc/jsonrpc.h"

#include <event2/event.h>

struct jsonrpc_client;
struct resolver;

/*
 * Called exactly once for each call, never from inside jsonrpc_client_call().
 * r == 0: `result` is the answer (borrowed, may be JSON null) and error is
 * NULL. r == -EPROTO: the peer answered with an error, in `error`. Any other
 * negative errno (-ETIMEDOUT, -ECONNREFUSED, …): no answer; error->message
 * tells why.
 */
typedef void (*jsonrpc_reply)(int r, json_t *result, const struct jsonrpc_error *error, void *arg);

/*
 * Client for a checked `jsonrpc_client` block. `resolver` outlives it; NULL:
 * only addresses and localhost can be called. On failure -errno and *ret_error
 * (caller frees).
 */
int jsonrpc_client_new(struct event_base *base, struct resolver *resolver, const json_t *settings,
		       struct jsonrpc_client **ret, char **ret_error);
/* Calls under way are answered with -ECANCELED. */
void jsonrpc_client_free(struct jsonrpc_client *client);

/*
 * `params` and `id` are borrowed; `id` may be NULL: then "" is sent, as the
 * originals' proxies do. The `timeout` of the settings counts where it is shorter.
 */
int jsonrpc_client_call(struct jsonrpc_client *client, const char *method, json_t *params,
			const char *id, unsigned timeout_ms, jsonrpc_reply reply, void *arg);
