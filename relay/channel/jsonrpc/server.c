// SPDX-License-Identifier: BSD-2-Clause
/* Local requests: whoever may speak to this server speaks as the operator itself. */
#include "common/base/cleanup.h"
#include "common/jsonrpc/server.h"
#include "relay/channel/jsonrpc/channels.h"
#include "relay/directory/address.h"

#include <errno.h>

struct channel_jsonrpc_server {
	struct channel channel;
	struct jsonrpc_server *server;
};

static void on_done(int r, json_t *result, const struct jsonrpc_error *error, void *arg)
{
	struct jsonrpc_call *call = arg;
	struct jsonrpc_error copy = {0};

	if (r == 0) {
		jsonrpc_call_result(call, json_incref(result));
		return;
	}
	jsonrpc_error_set(&copy, error->code, json_incref(error->data), "%s",
			  error->message ? error->message : "");
	jsonrpc_call_error(call, &copy);
}

static void on_call(struct jsonrpc_call *call, void *arg)
{
	const struct channel_jsonrpc_server *self = arg;
	const struct jsonrpc_request *request = jsonrpc_call_request(call);
	AUTO_FREE char *inner_id = address_inner_id(request->id);
	struct broker *broker = self->channel.broker;

	broker_submit(broker, broker_name(broker), request->method, NULL, inner_id, request->params,
		      on_done, call);
}

static bool can_deliver(struct channel *channel, const char *name)
{
	(void)channel;
	(void)name;
	return false;
}

static void deliver(struct channel *channel, const struct message *message, message_done done,
		    void *arg)
{
	(void)channel;
	(void)message;
	done(-EOPNOTSUPP, NULL, NULL, arg);
}

static void channel_free(struct channel *channel)
{
	struct channel_jsonrpc_server *self = (struct channel_jsonrpc_server *)channel;

	jsonrpc_server_free(self->server);
	free(self);
}

static const struct channel_ops ops = {
	.type = "jsonrpc_server",
	.can_deliver = can_deliver,
	.deliver = deliver,
	.free = channel_free,
};

int channel_jsonrpc_server_new(struct broker *broker, const json_t *settings, struct channel **ret,
			       char **ret_error)
{
	AUTO_FREE struct channel_jsonrpc_server *self = calloc(1, sizeof(*self));

	if (!self)
		return -ENOMEM;
	self->channel = (struct channel){&ops, broker};
	int r = jsonrpc_server_new(broker_loop(broker), settings, broker_name(broker), on_call,
				   self, &self->server, ret_error);
	if (r < 0)
		return r;
	*ret = &TAKE_PTR(self)->channel;
	return 0;
}
