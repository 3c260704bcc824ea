/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Other relays, over gRPC: those that connect here, and those that are dialled.
 *
 * Both return 0, or -errno with *ret_error (caller frees). `settings` is the
 * channel's checked block, needed only during the call.
 */
#pragma once

#include "relay/bus/broker.h"

int channel_grpc_server_new(struct broker *broker, const json_t *settings, struct channel **ret,
			    char **ret_error);
int channel_grpc_client_new(struct broker *broker, const json_t *settings, struct channel **ret,
			    char **ret_error);
