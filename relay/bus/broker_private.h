/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the broker share; channels use relay/bus/broker.h. */
#pragma once

#include "relay/bus/broker.h"
#include "relay/bus/transit.h"
#include "relay/directory/address.h"

#define BROKER_CHANNELS_MAX 16

struct broker {
	struct event_base *base;
	struct resolver *resolver;
	const json_t *settings;
	const char *name;
	enum dialect dialect;
	unsigned timeout_ms;
	struct directory *directory;
	struct channel *channels[BROKER_CHANNELS_MAX];
	size_t n_channels;
	struct transits transits;
	bool stopping;
};

/*
 * builtins.c: a method of the relay itself: true if `message` names one, and then `done`
 * has been called.
 */
bool builtins_call(const struct broker *broker, const struct message *message, message_done done,
		   void *arg);
