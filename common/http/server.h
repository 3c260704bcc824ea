/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An HTTP/1.1 server on a libevent loop, small and bounded. Unlike evhttp it
 * caps its connections, sees the peer's certificate before the first byte of a
 * request, and gives every phase an absolute deadline, which a client that
 * sends a byte now and then cannot stretch.
 */
#pragma once

#include "common/base/addr.h"

#include <event2/event.h>
#include <jansson.h>
#include <openssl/ssl.h>

struct http_server;
struct http_exchange; /* one request and its answer */

struct http_server_limits {
	size_t body_bytes;
	size_t head_bytes;
	unsigned connections;
	unsigned request_ms; /* handshake, head, body, answer: each at most this long */
	unsigned idle_ms;    /* between two requests of a connection */
};

struct http_server_ops {
	/* After the handshake: whether this certificate's holder is to be served. May be NULL. */
	bool (*admit)(const SSL *ssl, const struct addr *peer, void *arg);
	/* Has to answer with http_exchange_reply(), now or later. */
	void (*handle)(struct http_exchange *exchange, void *arg);
};

/* `tls` may be NULL: plain HTTP; else the server takes a reference. */
int http_server_new(struct event_base *base, const char *bind_address, const json_t *rate_limits,
		    SSL_CTX *tls, const struct http_server_limits *limits,
		    const struct http_server_ops *ops, void *arg, struct http_server **ret,
		    char **ret_error);
/* Closes all connections. Exchanges under way live until they are answered. */
void http_server_free(struct http_server *server);

bool http_server_is_loopback(const struct http_server *server);
uint16_t http_server_port(const struct http_server *server);

/* Borrowed, valid until the answer, or until the handler returns for the body. */
const char *http_exchange_path(const struct http_exchange *exchange);
const char *http_exchange_body(const struct http_exchange *exchange, size_t *ret_length);
bool http_exchange_is_json(const struct http_exchange *exchange);  /* by its Content-Type */
bool http_exchange_admitted(const struct http_exchange *exchange); /* what `admit` said */

/* Answer with a JSON text and free the exchange. Nothing is sent if the client has gone. */
void http_exchange_reply(struct http_exchange *exchange, int status, const char *body,
			 size_t length);
