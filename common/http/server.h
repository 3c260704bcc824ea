/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An HTTP/1.1 server on a libevent loop, small and bounded. Unlike evhttp it
 * caps its connections, sees the peer's certificate before the first byte of a
 * request, and gives every phase an absolute deadline, which a client that
 * sends a byte now and then cannot stretch.
 */
#pragma once

#include "common/base/addr.h"
#include "common/http/router.h"

#include <event2/event.h>
#include <jansson.h>
#include <openssl/ssl.h>

struct http_server;
struct unix_socket;

struct http_server_limits {
	size_t body_bytes;
	size_t head_bytes;
	size_t stream_bytes; /* of a streamed answer: what waits for an asker that reads slowly */
	unsigned connections;
	unsigned request_ms; /* handshake, head, body, answer: each at most this long */
	unsigned idle_ms;    /* between two requests of a connection */
};

/* For a server that does not serve everybody whom its TLS lets in. */
struct http_server_ops {
	/* After the handshake: whether this certificate's holder is to be served. */
	bool (*admit)(const SSL *ssl, const struct addr *peer, void *arg);
	/* Answers instead of the router whatever the others ask. */
	http_handler refuse;
};

struct http_server_config {
	struct event_base *base;
	const char *bind_address; /* "localhost:5544"; NULL: `unix_socket` */
	const struct unix_socket *unix_socket;
	const json_t *rate_limits; /* a checked `tcp_rate_limits` list, or NULL */
	SSL_CTX *tls;              /* NULL: plain HTTP; else the server takes a reference */
	struct http_server_limits limits;
	const struct http_router *router;  /* borrowed */
	const struct http_server_ops *ops; /* borrowed; NULL: everybody is served */
	void *arg;
};

/* 0, or -errno with *ret_error, which names the address (caller frees). */
int http_server_new(const struct http_server_config *config, struct http_server **ret,
		    char **ret_error);
/*
 * Closes all connections. Streams are told that the asker has gone; other
 * exchanges under way live until they are answered.
 */
void http_server_free(struct http_server *server);

/* Whether only this machine's own programs get here. */
bool http_server_is_loopback(const struct http_server *server);
uint16_t http_server_port(const struct http_server *server); /* 0 for a Unix socket */
