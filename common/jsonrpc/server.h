/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON-RPC over HTTP(S) on a libevent loop: the side that answers, as the settings say. */
#pragma once

#include "common/jsonrpc/endpoint.h"

#include <event2/event.h>
#include <stdint.h>

struct jsonrpc_server;

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
