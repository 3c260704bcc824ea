/* SPDX-License-Identifier: BSD-2-Clause */
/* What the grpc_server channel's files share: the listener's and the calls' side. */
#pragma once

#include "common/base/addr.h"
#include "common/base/table.h"
#include "common/grpc/session.h"
#include "relay/bus/broker.h"
#include "relay/channel/grpc/delivery.h"
#include "relay/channel/grpc/identity.h"

#include <sys/queue.h>

struct listener;
struct grpc_server;

/* Where connections in their handshake come from. There is one only while there are any. */
struct grpc_source {
	struct table_link link;
	unsigned n_handshakes;
	uint8_t bytes[ADDR_SOURCE_BYTES];
};

/* A connection: in its TLS handshake while `session` is NULL. */
struct grpc_connection {
	LIST_ENTRY(grpc_connection) link;
	struct grpc_server *server;
	struct bufferevent *bev; /* NULL once the session has it */
	struct event *handshake;
	struct grpc_session *session;
	struct grpc_identity identity;
	struct grpc_source *source; /* NULL once the handshake is over */
	char peer[ADDR_TEXT_MAX];   /* anonymised */
};

LIST_HEAD(grpc_connection_list, grpc_connection);

struct grpc_server {
	struct channel channel; /* first */
	SSL_CTX *tls;
	struct listener *listener;
	struct grpc_delivery *delivery;
	struct grpc_connection_list connections;
	struct table sources;
	unsigned n_connections;
	unsigned n_handshakes;
	unsigned max_connections, max_handshakes, max_handshakes_per_source;
	uint64_t complained_ms; /* of a connection that was closed at once; 0: never */
	unsigned max_streams;
};

/* connection.c: the listener's callback, `arg` is the server. */
void grpc_connection_accept(int accepted, const struct addr *peer, void *arg);
/* Calls and streams of it are ended with `reason`. */
void grpc_connection_free(struct grpc_connection *connection, const char *reason);

/* server_calls.c: a peer calls a method: session ops' call_opened, arg is the connection. */
void grpc_server_call_opened(struct grpc_session *session, struct grpc_call *call, const char *path,
			     void *arg);
