/* SPDX-License-Identifier: BSD-2-Clause */
/* One connection of the HTTP server; only for the server, its connections and their exchanges. */
#pragma once

#include "common/http/exchange.h"
#include "common/http/server.h"

#include <event2/bufferevent.h>

struct listener;

/* In this order, and from the answer back to the next head. */
enum http_state {
	HTTP_HANDSHAKE, /* TLS */
	HTTP_HEAD,
	HTTP_BODY,
	HTTP_HANDLING,  /* nothing is read meanwhile */
	HTTP_STREAMING, /* a part of the answer is out; what is read waits for its end */
	HTTP_REPLY,     /* until all of the answer is with the kernel */
	HTTP_CLOSING,   /* our FIN is out; what still comes is thrown away, so that no RST
			   overtakes the answer */
};

struct http_exchange {
	struct http_connection *connection; /* NULL once the asker has gone, or wants no more */
	struct http_head head;
	char *body;
	size_t length;
	/* Of a streamed answer. */
	const struct http_stream_ops *ops;
	void *arg;
	bool chunked;
	bool blocked; /* a write was refused: `writable` is owed */
};

struct http_connection {
	struct http_server *server;
	struct http_connection *next, **link;
	struct bufferevent *bev;
	struct event *deadline;
	struct addr peer;
	enum http_state state;
	struct http_head head;
	struct http_exchange *exchange; /* while HTTP_HANDLING and HTTP_STREAMING */
	bool admitted;
	bool close_after_reply;
	bool head_begun; /* in HTTP_HEAD: a first byte has come */
};

struct http_server {
	struct event_base *base;
	struct listener *listener;
	SSL_CTX *tls;
	struct http_server_limits limits;
	const struct http_router *router;
	const struct http_server_ops *ops;
	void *arg;
	struct http_connection *connections;
	unsigned n_connections;
	bool full; /* said once */
};

/* Takes `fd` in any case. */
int http_connection_new(struct http_server *server, int fd, const struct addr *peer);
/* Tells a stream under way that the asker has gone. NULL is fine. */
void http_connection_free(struct http_connection *connection);

void http_connection_move(struct http_connection *connection, enum http_state state);
void http_connection_set_deadline(struct http_connection *connection, unsigned ms); /* 0: none */

/*
 * For the exchange. The first and the last are called when it is no longer the
 * connection's, the others while it is.
 */
void http_connection_reply(struct http_connection *connection, const struct http_answer *answer,
			   const char *body, size_t length);
/* -EPIPE: there is to be no body, the answer is complete; -ENOMEM. */
int http_connection_begin_stream(struct http_connection *connection,
				 const struct http_answer *answer, enum http_framing framing);
void http_connection_stream_grew(struct http_connection *connection);
void http_connection_end_stream(struct http_connection *connection, bool chunked);
/* The kernel has taken what waited, down to the watermark: libevent's callback. */
void http_connection_written(struct bufferevent *bev, void *arg);
