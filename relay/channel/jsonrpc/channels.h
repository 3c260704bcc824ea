/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operator's own services, over JSON-RPC: what they ask, and what they are
 * asked.
 *
 * Both return 0, or -errno with *ret_error (caller frees). `settings` is the
 * channel's checked block, needed only during the call.
 */
#pragma once

#include "relay/bus/broker.h"

int channel_jsonrpc_server_new(struct broker *broker, const json_t *settings, struct channel **ret,
			       char **ret_error);
int channel_jsonrpc_client_new(struct broker *broker, const json_t *settings, struct channel **ret,
			       char **ret_error);
