/* SPDX-License-Identifier: BSD-2-Clause */
/* What the broker knows of a channel: a way by which messages come in, go out, or both. */
#pragma once

#include "common/jsonrpc/jsonrpc.h"

#include <event2/event.h>
#include <stdbool.h>

struct broker;
struct channel;

/* A message on its way. All fields belong to the broker and live until the reply. */
struct message {
	const char *sender;    /* operator that sent it, proven by its certificate */
	const char *recipient; /* operator */
	const char *method;    /* bare: "incomingConnection" */
	const char *id;        /* addressable: "private-proxy-1.ga.incomingConnection(7)" */
	json_t *params;        /* object, with _client injected */
};

/*
 * The end of a message: r == 0 with `result` (borrowed, any JSON value), or
 * -EPROTO with the error that the recipient gave, or another negative errno
 * when it could not be delivered, with error->message telling why.
 * Called exactly once, possibly from inside the deliver call.
 */
typedef void (*message_done)(int r, json_t *result, const struct jsonrpc_error *error, void *arg);

struct channel_ops {
	const char *type; /* as in the settings: "grpc_server" … */
	/* Whether it can deliver to the operator `recipient` now. */
	bool (*can_deliver)(struct channel *channel, const char *recipient);
	void (*deliver)(struct channel *channel, const struct message *message, message_done done,
			void *arg);
	void (*directory_changed)(struct channel *channel); /* may be NULL */
	void (*free)(struct channel *channel);
};

/* First member of each channel's own struct. */
struct channel {
	const struct channel_ops *ops;
	struct broker *broker;
};
