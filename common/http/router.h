/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which handler answers which path. A router belongs to nobody's connection:
 * one may serve several servers, and has to outlive them.
 */
#pragma once

#include "common/http/exchange.h"

struct http_router;

/* Has to answer the exchange, now or later (exchange.h). */
typedef void (*http_handler)(struct http_exchange *exchange, void *arg);

struct http_route {
	const char *path; /* exact, without query; copied */
	unsigned methods; /* of enum http_method; who admits GET admits HEAD */
	/*
	 * The Content-Type that a request must have, or NULL for any. A web page
	 * can make a browser send text and forms to any address, but no
	 * application/json: what changes something should ask for that. Copied.
	 */
	const char *content_type;
	http_handler handle;
	void *arg;
};

/* NULL: no memory. */
struct http_router *http_router_new(void);
void http_router_free(struct http_router *router); /* NULL is fine */

/* -EEXIST: the path has a route; -ENOMEM. */
int http_router_add(struct http_router *router, const struct http_route *route);

/*
 * Hand a request to the handler of its path, or answer it with 404, 405 (and
 * the header Allow) or 415. Takes the exchange.
 */
void http_router_serve(const struct http_router *router, struct http_exchange *exchange);
