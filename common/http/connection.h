/* SPDX-License-Identifier: BSD-2-Clause */
/* One connection of the HTTP server; only for server.c and connection.c. */
#pragma once

#include "common/http/head.h"
#include "common/http/server.h"

#include <event2/bufferevent.h>

struct listener;

/* In this order, and from the answer back to the next head. */
enum http_state {
	HTTP_HANDSHAKE, /* TLS */
	HTTP_HEAD,
	HTTP_BODY,
	HTTP_HANDLING, /* nothing is read meanwhile */
	HTTP_REPLY,    /* until all of the answer is with the kernel */
	HTTP_CLOSING,  /* our FIN is out; what still comes is thrown away, so that no RST
			  overtakes the answer */
};

struct http_connection {
	struct http_server *server;
	struct http_connection *next, **link;
	struct bufferevent *bev;
	struct event *deadline;
	struct addr peer;
	enum http_state state;
	struct http_head head;
	struct http_exchange *exchange; /* while HTTP_HANDLING */
	bool admitted;
	bool close_after_reply;
	bool head_begun; /* in HTTP_HEAD: a first byte has come */
};

struct http_server {
	struct event_base *base;
	struct listener *listener;
	SSL_CTX *tls;
	struct http_server_limits limits;
	const struct http_server_ops *ops;
	void *arg;
	struct http_connection *connections;
	unsigned n_connections;
	bool full; /* said once */
};

int http_connection_new(struct http_server *server, int fd, const struct addr *peer);
void http_connection_free(struct http_connection *connection);
