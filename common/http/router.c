// SPDX-License-Identifier: BSD-2-Clause
#include "common/http/router.h"

#include "common/base/cleanup.h"
#include "common/base/container_of.h"
#include "common/base/table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct entry {
	struct table_link link;
	struct http_route route;
	char *path, *content_type; /* what `route` points to */
};

struct http_router {
	struct table routes; /* by path */
};

static struct entry *entry_of(struct table_link *link)
{
	return container_of(link, struct entry, link);
}

static bool same_path(const struct table_link *link, const void *path)
{
	return strcmp(container_of(link, const struct entry, link)->path, path) == 0;
}

static const struct entry *find(const struct http_router *router, const char *path)
{
	struct table_link *link = table_find(
		&router->routes, table_hash_string(&router->routes, path), same_path, path);

	return link ? entry_of(link) : NULL;
}

struct http_router *http_router_new(void)
{
	struct http_router *router = malloc(sizeof(*router));

	if (router)
		table_init(&router->routes);
	return router;
}

static void entry_free(struct entry *entry)
{
	if (!entry)
		return;
	free(entry->path);
	free(entry->content_type);
	free(entry);
}

static void cleanup_entry(struct entry **entry)
{
	entry_free(*entry);
}

void http_router_free(struct http_router *router)
{
	struct table_link *link, *next;

	if (!router)
		return;
	TABLE_FOREACH(link, next, &router->routes) {
		table_remove(&router->routes, link);
		entry_free(entry_of(link));
	}
	table_clear(&router->routes);
	free(router);
}

int http_router_add(struct http_router *router, const struct http_route *route)
{
	CLEANUP(cleanup_entry) struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return -ENOMEM;
	entry->route = *route;
	entry->path = strdup(route->path);
	entry->content_type = route->content_type ? strdup(route->content_type) : NULL;
	if (!entry->path || (route->content_type && !entry->content_type))
		return -ENOMEM;
	if (find(router, entry->path))
		return -EEXIST;
	entry->route.path = entry->path;
	entry->route.content_type = entry->content_type;
	if (entry->route.methods & HTTP_METHOD_GET)
		entry->route.methods |= HTTP_METHOD_HEAD;
	table_add(&router->routes, &entry->link, table_hash_string(&router->routes, entry->path));
	(void)TAKE_PTR(entry);
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
	const struct entry *entry = find(router, http_exchange_path(exchange));

	if (!entry)
		refuse(exchange, 404, NULL, "not found");
	else if (!(entry->route.methods & http_exchange_method(exchange)))
		refuse_method(exchange, entry->route.methods);
	else if (entry->content_type && !http_exchange_has_type(exchange, entry->content_type))
		refuse(exchange, 415, NULL, "unsupported media type");
	else
		entry->route.handle(exchange, entry->route.arg);
}
