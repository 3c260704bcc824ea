// SPDX-License-Identifier: BSD-2-Clause
/* A connection of the grpc_server: let in or not, its handshake, who it is, its session. */
#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/container_of.h"
#include "common/base/log.h"
#include "common/net/listener.h"
#include "common/settings/settings.h"
#include "relay/channel/grpc/server.h"

#include <errno.h>
#include <event2/bufferevent_ssl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#define HANDSHAKE_SECONDS 10
#define COMPLAINT_MS      60000 /* one line in that time, whatever strangers do */
#define PING_INTERVAL_MS  60000
#define PING_TIMEOUT_MS   20000

static bool same_source(const struct table_link *link, const void *bytes)
{
	return memcmp(container_of(link, const struct grpc_source, link)->bytes, bytes,
		      ADDR_SOURCE_BYTES) == 0;
}

static struct grpc_source *find_source(const struct grpc_server *server, const uint8_t *bytes)
{
	const struct table *sources = &server->sources;
	struct table_link *link = table_find(sources, table_hash(sources, bytes, ADDR_SOURCE_BYTES),
					     same_source, bytes);

	return link ? container_of(link, struct grpc_source, link) : NULL;
}

static int begin_handshake(struct grpc_connection *connection, const uint8_t *bytes)
{
	struct grpc_server *server = connection->server;
	struct grpc_source *source = find_source(server, bytes);

	if (!source) {
		source = calloc(1, sizeof(*source));
		if (!source)
			return -ENOMEM;
		memcpy(source->bytes, bytes, ADDR_SOURCE_BYTES);
		table_add(&server->sources, &source->link,
			  table_hash(&server->sources, bytes, ADDR_SOURCE_BYTES));
	}
	source->n_handshakes++;
	server->n_handshakes++;
	connection->source = source;
	return 0;
}

static void end_handshake(struct grpc_connection *connection)
{
	struct grpc_source *source = TAKE_PTR(connection->source);

	if (connection->handshake)
		event_free(TAKE_PTR(connection->handshake));
	if (!source)
		return;
	connection->server->n_handshakes--;
	if (--source->n_handshakes > 0)
		return;
	table_remove(&connection->server->sources, &source->link);
	free(source);
}

void grpc_connection_free(struct grpc_connection *connection, const char *reason)
{
	struct grpc_server *server = connection->server;

	LIST_REMOVE(connection, link);
	server->n_connections--;
	end_handshake(connection);
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
	grpc_connection_free(connection, reason);
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

	end_handshake(connection);
	if (authenticate(connection) < 0) {
		grpc_connection_free(connection, NULL);
		return;
	}
	int r = grpc_session_new(TAKE_PTR(connection->bev), &config, &session_ops, connection,
				 &connection->session);
	if (r < 0) {
		log_error("cannot serve %s: %s", connection->peer, strerror(-r));
		grpc_connection_free(connection, NULL);
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
	grpc_connection_free(connection, NULL);
}

static void on_handshake_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct grpc_connection *connection = arg;

	(void)fd;
	(void)what;
	log_info("TLS handshake with %s took longer than %d s", connection->peer,
		 HANDSHAKE_SECONDS);
	grpc_connection_free(connection, NULL);
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
	(void)event_add(connection->handshake, &limit);
	bufferevent_setcb(connection->bev, NULL, NULL, on_handshake, connection);
	bufferevent_enable(connection->bev, EV_READ | EV_WRITE);
	return 0;
}

/* NULL: it may come in. Strangers get as far as the handshake, and could keep all others out. */
static const char *why_full(const struct grpc_server *server, const uint8_t *bytes)
{
	const struct grpc_source *source = find_source(server, bytes);

	if (server->n_connections >= server->max_connections)
		return "limits.connections are open";
	if (server->n_handshakes >= server->max_handshakes)
		return "limits.handshakes are in their TLS handshake";
	if (source && source->n_handshakes >= server->max_handshakes_per_source)
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

void grpc_connection_accept(int accepted, const struct addr *peer, void *arg)
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
	connection->server = server;
	LIST_INSERT_HEAD(&server->connections, connection, link);
	server->n_connections++;
	if (begin_handshake(connection, source) < 0 || start_handshake(connection, &fd) < 0) {
		log_error("out of memory for a connection");
		grpc_connection_free(connection, NULL);
	}
}
