/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The broker takes a message from a channel, finds out whether the sender may
 * send it, and hands it to the first channel that can deliver it.
 */
#pragma once

#include "relay/bus/channel.h"
#include "relay/directory/directory.h"

enum dialect {
	DIALECT_HYPER,
	DIALECT_EPS,
};

struct resolver;

struct broker_config {
	struct event_base *base;
	struct resolver *resolver; /* outlives the broker */
	const json_t *settings; /* checked tree of the relay (relay/settings_schema.h), borrowed */
	enum dialect dialect;
};

int broker_new(const struct broker_config *config, struct broker **ret);
/* Messages under way are answered with -ECANCELED, then the channels are freed. */
void broker_free(struct broker *broker);

/* Takes `directory`, frees the one before and tells the channels. */
void broker_set_directory(struct broker *broker, struct directory *directory);
/* Takes `channel`; messages are offered in the order of these calls. */
int broker_add_channel(struct broker *broker, struct channel *channel);
/* Answer all messages under way with -ECANCELED, and new ones at once. */
void broker_stop(struct broker *broker);

struct event_base *broker_loop(struct broker *broker);
struct resolver *broker_resolver(struct broker *broker);
const char *broker_name(const struct broker *broker); /* own operator */
const struct directory *broker_directory(const struct broker *broker);
enum dialect
broker_dialect(const struct broker *broker); /* gRPC service name that a client speaks by default */
unsigned broker_timeout_ms(const struct broker *broker); /* deadline for one message */

/* The relay's whole checked settings, for `limits`. */
const json_t *broker_settings(const struct broker *broker);

/*
 * Send a message. `sender`: the operator that the channel has authenticated
 * (own name for local requests). `method` is "operator.method" in full, `id`
 * the addressable id, or NULL to have one made from `inner_id`. `params` is
 * borrowed and copied. `done` is called exactly once, maybe before return. If
 * it says r < 0 there is an error with a code, to be sent to the sender as it is.
 */
void broker_submit(struct broker *broker, const char *sender, const char *method, const char *id,
		   const char *inner_id, json_t *params, message_done done, void *arg);
