// SPDX-License-Identifier: BSD-2-Clause
#include "common/http/router.h"

#include "common/base/cleanup.h"
#include "common/base/container_of.h"
#include "common/base/table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct stored {
	struct table_link link;
	struct http_route route;
	char *path, *content_type; /* what `route` points to */
};

struct http_router {
	struct table routes; /* by path */
};

static struct stored *stored_of(struct table_link *link)
{
	return container_of(link, struct stored, link);
}

static bool same_path(const struct table_link *link, const void *path)
{
	return strcmp(container_of(link, const struct stored, link)->path, path) == 0;
}

static const struct stored *find(const struct http_router *router, const char *path)
{
	struct table_link *link = table_find(
		&router->routes, table_hash_string(&router->routes, path), same_path, path);

	return link ? stored_of(link) : NULL;
}

struct http_router *http_router_new(void)
{
	struct http_router *router = malloc(sizeof(*router));

	if (router)
		table_init(&router->routes);
	return router;
}

static void stored_free(struct stored *stored)
{
	if (!stored)
		return;
	free(stored->path);
	free(stored->content_type);
	free(stored);
}

static void cleanup_stored(struct stored **stored)
{
	stored_free(*stored);
}

void http_router_free(struct http_router *router)
{
	struct table_link *link, *next;

	if (!router)
		return;
	TABLE_FOREACH(link, next, &router->routes) {
		table_remove(&router->routes, link);
		stored_free(stored_of(link));
	}
	table_clear(&router->routes);
	free(router);
}

int http_router_add(struct http_router *router, const struct http_route *route)
{
	CLEANUP(cleanup_stored) struct stored *stored = calloc(1, sizeof(*stored));

	if (!stored)
		return -ENOMEM;
	stored->route = *route;
	stored->path = strdup(route->path);
	stored->content_type = route->content_type ? strdup(route->content_type) : NULL;
	if (!stored->path || (route->content_type && !stored->content_type))
		return -ENOMEM;
	if (find(router, stored->path))
		return -EEXIST;
	stored->route.path = stored->path;
	stored->route.content_type = stored->content_type;
	if (stored->route.methods & HTTP_METHOD_GET)
		stored->route.methods |= HTTP_METHOD_HEAD;
	table_add(&router->routes, &stored->link, table_hash_string(&router->routes, stored->path));
	(void)TAKE_PTR(stored);
	return 0;
}

static void refuse(struct http_exchange *exchange, int status, const char *headers,
		   const char *message)
{
	const struct http_answer answer = {.status = status, .headers = headers};
	char body[64];

	int n = snprintf(body, sizeof(body), "{\"message\":\"%s\"}", message);
	http_exchange_reply(exchange, &answer, body, (size_t)n);
}

/* RFC 9110 section 15.5.6: what would have been admitted has to be said. */
static void refuse_method(struct http_exchange *exchange, unsigned methods)
{
	char allow[64] = "Allow:";
	size_t length = strlen(allow);

	for (unsigned method = 1; method < HTTP_METHOD_OTHER; method <<= 1)
		if (methods & method)
			length += (size_t)snprintf(allow + length, sizeof(allow) - length, "%s %s",
						   allow[length - 1] == ':' ? "" : ",",
						   http_method_name(method));
	snprintf(allow + length, sizeof(allow) - length, "\r\n");
	refuse(exchange, 405, allow, "method not allowed");
}

void http_router_serve(const struct http_router *router, struct http_exchange *exchange)
{
	const struct stored *stored = find(router, http_exchange_path(exchange));

	if (!stored)
		refuse(exchange, 404, NULL, "not found");
	else if (!(stored->route.methods & http_exchange_method(exchange)))
		refuse_method(exchange, stored->route.methods);
	else if (stored->content_type && !http_exchange_has_type(exchange, stored->content_type))
		refuse(exchange, 415, NULL, "unsupported media type");
	else
		stored->route.handle(exchange, stored->route.arg);
}
