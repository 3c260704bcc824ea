/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The broker takes a message from a channel, finds out whether the sender may
 * send it, and hands it to the first channel that can deliver it.
 */
#pragma once

#include "relay/channel.h"
#include "relay/directory.h"

enum dialect {
	DIALECT_HYPER,
	DIALECT_EPS,
};

struct event_base *broker_loop(struct broker *broker);
const char *broker_name(const struct broker *broker); /* own operator */
const struct directory *broker_directory(const struct broker *broker);
enum dialect
broker_dialect(const struct broker *broker); /* gRPC service name that a client speaks by default */
unsigned broker_timeout_ms(const struct broker *broker); /* deadline for one message */

/*
 * Send a message. `sender`: the operator that the channel has authenticated
 * (own name for local requests). `method` is "operator.method" in full, `id`
 * the addressable id, or NULL to have one made from `inner_id`. `params` is
 * borrowed and copied. `done` is called exactly once, maybe before return.
 */
void broker_submit(struct broker *broker, const char *sender, const char *method, const char *id,
		   const char *inner_id, json_t *params, message_done done, void *arg);
