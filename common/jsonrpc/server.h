/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON-RPC over HTTP(S) on a libevent loop: the side that answers. */
#pragma once

#include "common/jsonrpc/jsonrpc.h"

#include <event2/event.h>
#include <stdint.h>

struct jsonrpc_server;

/*
 * One request under way. It has to be answered exactly once, now or later in
 * the loop's thread, through jsonrpc_call_result() or jsonrpc_call_error(),
 * even when the asker has gone meanwhile. Either frees the call.
 */
struct jsonrpc_call;

typedef void (*jsonrpc_handler)(struct jsonrpc_call *call, void *arg);

/*
 * Listen as a checked `jsonrpc_server` block says. `peer_name`: over mutual
 * TLS only certificates that bear this name, or a fingerprint listed in
 * tls.fingerprints, are served. On failure a negative errno and *ret_error
 * (caller frees) names the address or file.
 */
int jsonrpc_server_new(struct event_base *base, const json_t *settings, const char *peer_name,
		       jsonrpc_handler handler, void *arg, struct jsonrpc_server **ret,
		       char **ret_error);
/* Calls under way stay valid; what they are answered with goes nowhere. */
void jsonrpc_server_free(struct jsonrpc_server *server);

uint16_t jsonrpc_server_port(const struct jsonrpc_server *server); /* also for port 0 */

const struct jsonrpc_request *jsonrpc_call_request(const struct jsonrpc_call *call);
void jsonrpc_call_result(struct jsonrpc_call *call, json_t *result); /* takes `result` */
void jsonrpc_call_error(struct jsonrpc_call *call,
			struct jsonrpc_error *error); /* takes and clears */
