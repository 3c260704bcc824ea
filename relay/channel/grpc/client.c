// SPDX-License-Identifier: BSD-2-Clause
/*
 * This relay connects to others: to deliver messages, and to lend streams to
 * those that may call here but cannot, or need not, connect themselves.
 */
#include "relay/channel/grpc/client.h"

#include "common/base/cleanup.h"
#include "common/base/container_of.h"
#include "common/settings/settings.h"
#include "relay/channel/grpc/channels.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define STREAMS_DEFAULT       4
#define RECONNECT_MIN_DEFAULT 200
#define RECONNECT_MAX_DEFAULT 30000

/* Where the operator's grpc_server can be dialled, NULL if it cannot. */
static const char *address_of(const struct directory *directory, const char *name)
{
	const json_t *settings = directory_channel(directory, name, "grpc_server");
	const char *address = settings_string(settings, "address");
	const char *proxy = settings_string(settings, "proxy");

	if (!address || !address[0] || settings_bool(settings, "internal") || (proxy && proxy[0]))
		return NULL;
	return address;
}

static bool may_call_us(const struct directory *directory, const char *name, const char *self)
{
	const json_t *services = json_object_get(directory_entry(directory, self), "services");
	const json_t *service, *method;
	size_t i, j;

	json_array_foreach(services, i, service) {
		json_array_foreach(json_object_get(service, "methods"), j, method) {
			const char *wanted = json_string_value(json_object_get(method, "name"));
			if (wanted && directory_permits(directory, name, self, wanted))
				return true;
		}
	}
	return false;
}

/* Not to one that calls us and can dial us. */
static bool gets_streams(const struct directory *directory, const char *name, const char *self)
{
	if (address_of(directory, self) && directory_channel(directory, name, "grpc_client"))
		return false;
	return may_call_us(directory, name, self);
}

static bool same_name(const struct table_link *link, const void *name)
{
	return strcmp(container_of(link, const struct grpc_peer, by_name)->operator, name) == 0;
}

static struct grpc_peer *find(const struct grpc_client *client, const char *name)
{
	const struct table *peers = &client->by_name;
	struct table_link *link =
		table_find(peers, table_hash_string(peers, name), same_name, name);

	return link ? container_of(link, struct grpc_peer, by_name) : NULL;
}

static int add_peer(struct grpc_client *client, const char *name, const char *address,
		    struct grpc_peer **ret)
{
	int r = grpc_peer_new(client, name, address, ret);

	if (r == 0)
		table_add(&client->by_name, &(*ret)->by_name,
			  table_hash_string(&client->by_name, name));
	return r;
}

static void remove_peer(struct grpc_peer *peer, const char *reason)
{
	table_remove(&peer->client->by_name, &peer->by_name);
	grpc_peer_free(peer, reason);
}

static bool still_identified(struct grpc_peer *peer, const struct directory *directory)
{
	struct grpc_identity *identity;

	if (!peer->current)
		return true;
	identity = &peer->current->identity;
	return grpc_identity_refresh(identity, directory) == 0 &&
	       grpc_identity_select(identity, peer->operator);
}

static int evaluate_entry(const char *name, json_t *entry, void *arg)
{
	struct grpc_client *client = arg;
	const struct directory *directory = broker_directory(client->channel.broker);
	const char *self = broker_name(client->channel.broker);
	const char *address = address_of(directory, name);
	struct grpc_peer *peer = find(client, name);

	(void)entry;
	if (!address || strcmp(name, self) == 0)
		return 0;
	bool lends = gets_streams(directory, name, self);
	if (!peer && (!lends || add_peer(client, name, address, &peer) < 0))
		return 0;
	if (strcmp(peer->address, address) != 0) {
		char *copy = strdup(address);
		if (copy) {
			grpc_peer_disconnect(peer, "its address has changed");
			free(peer->address);
			peer->address = copy;
		}
	} else if (!still_identified(peer, directory)) {
		grpc_peer_disconnect(peer, "the directory no longer lists its certificate");
	} else if (peer->lends && !lends) {
		grpc_peer_disconnect(peer, "it may not call here any more");
	}
	peer->lends = lends;
	peer->mentioned = true;
	grpc_peer_ensure(peer);
	return 0;
}

static void evaluate(struct grpc_client *client)
{
	struct grpc_peer *peer, *next;

	for (peer = LIST_FIRST(&client->peers); peer; peer = LIST_NEXT(peer, link))
		peer->mentioned = false;
	(void)directory_each(broker_directory(client->channel.broker), evaluate_entry, client);
	for (peer = LIST_FIRST(&client->peers); peer; peer = next) {
		next = LIST_NEXT(peer, link);
		if (!peer->mentioned)
			remove_peer(peer, "the directory gives no address for it any more");
	}
}

static void on_evaluate(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	evaluate(arg);
}

static void directory_changed(struct channel *channel)
{
	evaluate((struct grpc_client *)channel);
}

static bool can_deliver(struct channel *channel, const char *name)
{
	return strcmp(name, broker_name(channel->broker)) != 0 &&
	       address_of(broker_directory(channel->broker), name) != NULL;
}

static void deliver(struct channel *channel, const struct message *message, message_done done,
		    void *arg)
{
	struct grpc_client *client = (struct grpc_client *)channel;
	struct grpc_peer *peer = find(client, message->recipient);
	const char *address = address_of(broker_directory(channel->broker), message->recipient);
	const struct jsonrpc_error error = {.code = 1, .message = (char *)"out of memory"};

	if (!peer && (!address || add_peer(client, message->recipient, address, &peer) < 0)) {
		done(-ENOMEM, NULL, &error, arg);
		return;
	}
	grpc_call_out(peer, message, done, arg);
}

static void client_free(struct channel *channel)
{
	struct grpc_client *client = (struct grpc_client *)channel;
	struct grpc_peer *peer;

	while ((peer = LIST_FIRST(&client->peers)))
		remove_peer(peer, "this relay is stopping");
	if (client->evaluate)
		event_free(client->evaluate);
	table_clear(&client->by_name);
	SSL_CTX_free(client->tls);
	free(client);
}

static const struct channel_ops client_ops = {
	.type = "grpc_client",
	.can_deliver = can_deliver,
	.deliver = deliver,
	.directory_changed = directory_changed,
	.free = client_free,
};

static unsigned number(const json_t *settings, const char *key, unsigned fallback)
{
	long long value = settings_integer(settings, key);

	return value > 0 && value <= 24 * 3600 * 1000 ? (unsigned)value : fallback;
}

static int start(struct grpc_client *client, const json_t *settings, char **ret_error)
{
	struct broker *broker = client->channel.broker;
	const char *dialect = settings_string(settings, "dialect");
	bool eps = dialect ? strcmp(dialect, "eps") == 0 : broker_dialect(broker) == DIALECT_EPS;

	client->call_path = eps ? GRPC_EPS_CALL : GRPC_HYPER_CALL;
	client->server_call_path = eps ? GRPC_EPS_SERVER_CALL : GRPC_HYPER_SERVER_CALL;
	client->streams = number(settings, "streams", STREAMS_DEFAULT);
	client->reconnect_min_ms = number(settings, "reconnect_min", RECONNECT_MIN_DEFAULT);
	client->reconnect_max_ms = number(settings, "reconnect_max", RECONNECT_MAX_DEFAULT);
	client->evaluate = evtimer_new(broker_loop(broker), on_evaluate, client);
	if (!client->evaluate)
		return -ENOMEM;
	/* When the loop runs, the directory and all channels are there. */
	event_active(client->evaluate, EV_TIMEOUT, 0);
	return tls_context_new(settings_get(settings, "tls"), TLS_CLIENT, &client->tls, ret_error);
}

int channel_grpc_client_new(struct broker *broker, const json_t *settings, struct channel **ret,
			    char **ret_error)
{
	struct grpc_client *client = calloc(1, sizeof(*client));

	if (!client)
		return -ENOMEM;
	client->channel = (struct channel){&client_ops, broker};
	LIST_INIT(&client->peers);
	table_init(&client->by_name);
	int r = start(client, settings, ret_error);
	if (r < 0) {
		client_free(&client->channel);
		return r;
	}
	*ret = &client->channel;
	return 0;
}
