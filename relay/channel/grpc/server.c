// SPDX-License-Identifier: BSD-2-Clause
/*
 * Other relays connect here, over mutual TLS with certificates that the
 * directory pins. They call, and those that cannot be dialled lend streams.
 */
#include "relay/channel/grpc/server.h"

#include "common/base/addr.h"
#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/net/listener.h"
#include "common/settings/settings.h"
#include "relay/channel/grpc/channels.h"

#include <errno.h>
#include <event2/bufferevent_ssl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#define HANDSHAKE_SECONDS   10
#define CONNECTIONS_DEFAULT 1024
#define HANDSHAKES_DEFAULT  256
#define PER_SOURCE_DEFAULT  16
#define STREAMS_DEFAULT     64
#define COMPLAINT_MS        60000 /* one line in that time, whatever strangers do */
#define PING_INTERVAL_MS    60000
#define PING_TIMEOUT_MS     20000

static void connection_free(struct grpc_connection *connection, const char *reason)
{
	struct grpc_server *server = connection->server;

	LIST_REMOVE(connection, link);
	server->n_connections--;
	if (connection->handshake) {
		server->n_handshakes--;
		event_free(connection->handshake);
	}
	if (connection->bev)
		bufferevent_free(connection->bev);
	grpc_session_free(connection->session, reason);
	grpc_identity_clear(&connection->identity);
	free(connection);
}

static void on_closed(struct grpc_session *session, const char *reason, void *arg)
{
	struct grpc_connection *connection = arg;

	(void)session;
	log_debug("connection of operator '%s' (%s) ended: %s",
		  grpc_identity_select(&connection->identity, ""), connection->peer, reason);
	connection_free(connection, reason);
}

static const struct grpc_session_ops session_ops = {
	.call_opened = grpc_server_call_opened,
	.closed = on_closed,
};

static int authenticate(struct grpc_connection *connection)
{
	const SSL *ssl = bufferevent_openssl_get_ssl(connection->bev);
	const struct directory *directory = broker_directory(connection->server->channel.broker);

	int r = grpc_identity_init(&connection->identity, ssl, directory);
	if (r == -ENOENT)
		log_warn("refused %s: it shows no certificate", connection->peer);
	else if (r < 0)
		log_warn("refused %s: the directory lists its certificate, SHA-256 %s, for none of "
			 "the certificate's names",
			 connection->peer, connection->identity.fingerprint);
	return r;
}

static void start_session(struct grpc_connection *connection)
{
	struct grpc_server *server = connection->server;
	const json_t *settings = broker_settings(server->channel.broker);
	const struct grpc_session_config config = {
		.server = true,
		.max_message = (size_t)settings_integer(settings, "limits.message_size"),
		.max_streams = server->max_streams,
		.ping_interval_ms = PING_INTERVAL_MS,
		.ping_timeout_ms = PING_TIMEOUT_MS,
	};

	event_free(connection->handshake);
	connection->handshake = NULL;
	server->n_handshakes--;
	if (authenticate(connection) < 0) {
		connection_free(connection, NULL);
		return;
	}
	int r = grpc_session_new(TAKE_PTR(connection->bev), &config, &session_ops, connection,
				 &connection->session);
	if (r < 0) {
		log_error("cannot serve %s: %s", connection->peer, strerror(-r));
		connection_free(connection, NULL);
		return;
	}
	log_debug("operator '%s' connected from %s",
		  grpc_identity_select(&connection->identity, ""), connection->peer);
}

static void on_handshake(struct bufferevent *bev, short what, void *arg)
{
	struct grpc_connection *connection = arg;
	unsigned long error;

	if (what & BEV_EVENT_CONNECTED) {
		start_session(connection);
		return;
	}
	error = bufferevent_get_openssl_error(bev);
	log_info("TLS handshake with %s failed: %s", connection->peer,
		 error && ERR_reason_error_string(error) ? ERR_reason_error_string(error)
							 : "it closed the connection");
	connection_free(connection, NULL);
}

static void on_handshake_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct grpc_connection *connection = arg;

	(void)fd;
	(void)what;
	log_info("TLS handshake with %s took longer than %d s", connection->peer,
		 HANDSHAKE_SECONDS);
	connection_free(connection, NULL);
}

static int start_handshake(struct grpc_connection *connection, int *fd)
{
	struct grpc_server *server = connection->server;
	struct event_base *base = broker_loop(server->channel.broker);
	const struct timeval limit = {.tv_sec = HANDSHAKE_SECONDS};
	SSL *ssl = SSL_new(server->tls);

	if (!ssl)
		return -ENOMEM;
	connection->bev = bufferevent_openssl_socket_new(base, *fd, ssl, BUFFEREVENT_SSL_ACCEPTING,
							 BEV_OPT_CLOSE_ON_FREE);
	if (!connection->bev) {
		SSL_free(ssl);
		return -ENOMEM;
	}
	(void)TAKE_FD(*fd);
	bufferevent_openssl_set_allow_dirty_shutdown(connection->bev, 1);
	connection->handshake = evtimer_new(base, on_handshake_timeout, connection);
	if (!connection->handshake)
		return -ENOMEM;
	server->n_handshakes++;
	(void)event_add(connection->handshake, &limit);
	bufferevent_setcb(connection->bev, NULL, NULL, on_handshake, connection);
	bufferevent_enable(connection->bev, EV_READ | EV_WRITE);
	return 0;
}

/* Strangers get as far as the handshake, and could keep all others out. */
static unsigned handshakes_of(const struct grpc_server *server,
			      const uint8_t source[ADDR_SOURCE_BYTES])
{
	const struct grpc_connection *connection;
	unsigned n = 0;

	LIST_FOREACH(connection, &server->connections, link) {
		if (connection->handshake &&
		    memcmp(connection->source, source, ADDR_SOURCE_BYTES) == 0)
			n++;
	}
	return n;
}

/* NULL: it may come in. */
static const char *why_full(const struct grpc_server *server,
			    const uint8_t source[ADDR_SOURCE_BYTES])
{
	if (server->n_connections >= server->max_connections)
		return "limits.connections are open";
	if (server->n_handshakes >= server->max_handshakes)
		return "limits.handshakes are in their TLS handshake";
	if (handshakes_of(server, source) >= server->max_handshakes_per_source)
		return "limits.handshakes_per_source of its source are in their TLS handshake";
	return NULL;
}

static void complain(struct grpc_server *server, const struct addr *peer, const char *why)
{
	char text[ADDR_TEXT_MAX];
	uint64_t now = clock_now_ms();

	if (server->complained_ms && now - server->complained_ms < COMPLAINT_MS)
		return;
	server->complained_ms = now;
	addr_format_anonymous(peer, text);
	log_warn("%s: closed a connection from %s at once: %s; more of these are not told for %d s",
		 listener_name(server->listener), text, why, COMPLAINT_MS / 1000);
}

static void on_accept(int accepted, const struct addr *peer, void *arg)
{
	AUTO_CLOSE int fd = accepted;
	struct grpc_server *server = arg;
	uint8_t source[ADDR_SOURCE_BYTES];
	const int on = 1;

	addr_source(peer, source);
	const char *why = why_full(server, source);
	if (why) {
		complain(server, peer, why);
		return;
	}
	struct grpc_connection *connection = calloc(1, sizeof(*connection));
	if (!connection)
		return;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	addr_format_anonymous(peer, connection->peer);
	memcpy(connection->source, source, sizeof(source));
	connection->server = server;
	LIST_INSERT_HEAD(&server->connections, connection, link);
	server->n_connections++;
	if (start_handshake(connection, &fd) < 0) {
		log_error("out of memory for a connection");
		connection_free(connection, NULL);
	}
}

static bool can_deliver(struct channel *channel, const char *operator)
{
	return grpc_delivery_can(((struct grpc_server *)channel)->delivery, operator);
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
		connection_free(connection, "the directory has changed");
	}
}

static void server_free(struct channel *channel)
{
	struct grpc_server *server = (struct grpc_server *)channel;
	struct grpc_connection *connection;

	listener_free(server->listener);
	while ((connection = LIST_FIRST(&server->connections)))
		connection_free(connection, "this relay is stopping");
	grpc_delivery_free(server->delivery);
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
			    settings_get(settings, "tcp_rate_limits"), on_accept, server,
			    &server->listener, ret_error);
}

int channel_grpc_server_new(struct broker *broker, const json_t *settings, struct channel **ret,
			    char **ret_error)
{
	struct grpc_server *server = calloc(1, sizeof(*server));

	if (!server)
		return -ENOMEM;
	server->channel = (struct channel){&server_ops, broker};
	LIST_INIT(&server->connections);
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
