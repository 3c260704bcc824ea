// SPDX-License-Identifier: BSD-2-Clause
/* Messages for the operator itself go to its service, e.g. a proxy. */
#include "common/base/cleanup.h"
#include "common/jsonrpc/client.h"
#include "common/settings/settings.h"
#include "relay/channel/jsonrpc/channels.h"

#include <errno.h>
#include <string.h>

struct channel_jsonrpc_client {
	struct channel channel;
	struct jsonrpc_client *client;
};

struct delivery {
	message_done done;
	void *arg;
};

static bool can_deliver(struct channel *channel, const char *name)
{
	return strcmp(name, broker_name(channel->broker)) == 0;
}

static void on_reply(int r, json_t *result, const struct jsonrpc_error *error, void *arg)
{
	AUTO_FREE struct delivery *delivery = arg;

	delivery->done(r, result, error, delivery->arg);
}

static void deliver(struct channel *channel, const struct message *message, message_done done,
		    void *arg)
{
	struct channel_jsonrpc_client *self = (struct channel_jsonrpc_client *)channel;
	AUTO_FREE struct delivery *delivery = malloc(sizeof(*delivery));
	int r = -ENOMEM;

	if (delivery) {
		*delivery = (struct delivery){done, arg};
		r = jsonrpc_client_call(self->client, message->method, message->params, message->id,
					broker_timeout_ms(channel->broker), on_reply, delivery);
	}
	if (r < 0)
		done(r, NULL, NULL, arg);
	else
		(void)TAKE_PTR(delivery);
}

static void channel_free(struct channel *channel)
{
	struct channel_jsonrpc_client *self = (struct channel_jsonrpc_client *)channel;

	jsonrpc_client_free(self->client);
	free(self);
}

static const struct channel_ops ops = {
	.type = "jsonrpc_client",
	.can_deliver = can_deliver,
	.deliver = deliver,
	.free = channel_free,
};

int channel_jsonrpc_client_new(struct broker *broker, const json_t *settings, struct channel **ret,
			       char **ret_error)
{
	AUTO_FREE struct channel_jsonrpc_client *self = calloc(1, sizeof(*self));

	if (!self)
		return -ENOMEM;
	self->channel = (struct channel){&ops, broker};
	int r = jsonrpc_client_new(broker_loop(broker), broker_resolver(broker), settings,
				   &self->client, ret_error);
	if (r < 0)
		return r;
	*ret = &TAKE_PTR(self)->channel;
	return 0;
}
