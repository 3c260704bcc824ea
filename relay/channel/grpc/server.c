// SPDX-License-Identifier: BSD-2-Clause
/*
 * Other relays connect here, over mutual TLS with certificates that the
 * directory pins. They call, and those that cannot be dialled lend streams.
 */
#include "relay/channel/grpc/server.h"

#include "common/base/log.h"
#include "common/net/listener.h"
#include "common/settings/settings.h"
#include "relay/channel/grpc/channels.h"

#include <errno.h>

#define CONNECTIONS_DEFAULT 1024
#define HANDSHAKES_DEFAULT  256
#define PER_SOURCE_DEFAULT  16
#define STREAMS_DEFAULT     64

static bool can_deliver(struct channel *channel, const char *recipient)
{
	return grpc_delivery_can(((struct grpc_server *)channel)->delivery, recipient);
}

static void deliver(struct channel *channel, const struct message *message, message_done done,
		    void *arg)
{
	grpc_delivery_send(((struct grpc_server *)channel)->delivery, message, done, arg);
}

/*
 * Whom the directory no longer knows by this certificate loses the connection;
 * so does one whose names have become fewer, for streams bear names.
 */
static void directory_changed(struct channel *channel)
{
	struct grpc_server *server = (struct grpc_server *)channel;
	struct grpc_connection *connection, *next;

	for (connection = LIST_FIRST(&server->connections); connection; connection = next) {
		next = LIST_NEXT(connection, link);
		size_t before = connection->identity.n_names;
		if (!connection->session)
			continue;
		int r = grpc_identity_refresh(&connection->identity,
					      broker_directory(channel->broker));
		if (r == 0 && connection->identity.n_names >= before)
			continue;
		log_info("closing a connection of %s: the directory has changed", connection->peer);
		grpc_connection_free(connection, "the directory has changed");
	}
}

static void server_free(struct channel *channel)
{
	struct grpc_server *server = (struct grpc_server *)channel;
	struct grpc_connection *connection;

	listener_free(server->listener);
	while ((connection = LIST_FIRST(&server->connections)))
		grpc_connection_free(connection, "this relay is stopping");
	grpc_delivery_free(server->delivery);
	table_clear(&server->sources);
	SSL_CTX_free(server->tls);
	free(server);
}

static const struct channel_ops server_ops = {
	.type = "grpc_server",
	.can_deliver = can_deliver,
	.deliver = deliver,
	.directory_changed = directory_changed,
	.free = server_free,
};

/* A client that offers protocols but not HTTP/2 gets an alert (RFC 7301 section 3.2). */
static int select_h2(SSL *ssl, const unsigned char **ret, unsigned char *ret_length,
		     const unsigned char *offered, unsigned int length, void *arg)
{
	static const unsigned char h2[] = {2, 'h', '2'};

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto((unsigned char **)ret, ret_length, h2, sizeof(h2), offered,
				  length) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	return SSL_TLSEXT_ERR_OK;
}

static unsigned limit(const struct broker *broker, const char *key, unsigned fallback)
{
	long long value = settings_integer(broker_settings(broker), key);

	return value > 0 && value <= 1000000 ? (unsigned)value : fallback;
}

static int start(struct grpc_server *server, const json_t *settings, char **ret_error)
{
	const char *bind_address = settings_string(settings, "bind_address");
	int r = tls_context_new(settings_get(settings, "tls"), TLS_SERVER, &server->tls, ret_error);

	if (r < 0)
		return r;
	/* Whatever the tls block says: who shows no certificate is nobody here. */
	SSL_CTX_set_verify(server->tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_alpn_select_cb(server->tls, select_h2, NULL);
	r = grpc_delivery_new(server->channel.broker, &server->delivery);
	if (r < 0)
		return r;
	return listener_new(broker_loop(server->channel.broker),
			    bind_address ? bind_address : "localhost:4444",
			    settings_get(settings, "tcp_rate_limits"), grpc_connection_accept,
			    server, &server->listener, ret_error);
}

int channel_grpc_server_new(struct broker *broker, const json_t *settings, struct channel **ret,
			    char **ret_error)
{
	struct grpc_server *server = calloc(1, sizeof(*server));

	if (!server)
		return -ENOMEM;
	server->channel = (struct channel){&server_ops, broker};
	LIST_INIT(&server->connections);
	table_init(&server->sources);
	server->max_connections = limit(broker, "limits.connections", CONNECTIONS_DEFAULT);
	server->max_handshakes = limit(broker, "limits.handshakes", HANDSHAKES_DEFAULT);
	server->max_handshakes_per_source =
		limit(broker, "limits.handshakes_per_source", PER_SOURCE_DEFAULT);
	server->max_streams = limit(broker, "limits.streams_per_peer", STREAMS_DEFAULT);
	int r = start(server, settings, ret_error);
	if (r < 0) {
		server_free(&server->channel);
		return r;
	}
	*ret = &server->channel;
	return 0;
}
