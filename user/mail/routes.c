// SPDX-License-Identifier: BSD-2-Clause
#include "user/mail/routes.h"

#include "common/base/container_of.h"
#include "common/base/domain.h"
#include "common/base/table.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	struct table_link link;
	struct route route;
};

/* The names follow the entries in the same allocation. */
struct routes {
	atomic_uint references;
	struct table by_domain;
	struct entry entries[];
};

static bool has_domain(const struct table_link *link, const void *domain)
{
	return strcmp(container_of(link, const struct entry, link)->route.domain, domain) == 0;
}

static struct entry *find(const struct routes *routes, const char *domain)
{
	const struct table *table = &routes->by_domain;
	struct table_link *link =
		table_find(table, table_hash_string(table, domain), has_domain, domain);

	return link ? container_of(link, struct entry, link) : NULL;
}

static const char *append(char **end, const char *text)
{
	char *start = *end;
	size_t size = strlen(text) + 1;

	memcpy(start, text, size);
	*end += size;
	return start;
}

/* Of two with one domain the later counts. */
static void add(struct routes *routes, struct entry *spare, const struct route *route, char **end)
{
	struct table *table = &routes->by_domain;
	struct entry *entry = find(routes, route->domain);

	if (!entry) {
		entry = spare;
		entry->route.domain = append(end, route->domain);
		table_add(table, &entry->link, table_hash_string(table, route->domain));
	}
	entry->route.owner = append(end, route->owner);
	entry->route.expires_at = route->expires_at;
}

struct routes *routes_new(const struct route *list, size_t n)
{
	size_t size = sizeof(struct routes) + n * sizeof(struct entry), text = 0;

	for (size_t i = 0; i < n; i++)
		text += strlen(list[i].domain) + strlen(list[i].owner) + 2;

	struct routes *routes = calloc(1, size + text);
	if (!routes)
		return NULL;
	atomic_init(&routes->references, 1);
	table_init(&routes->by_domain);
	char *end = (char *)routes + size;
	for (size_t i = 0; i < n; i++)
		add(routes, &routes->entries[i], &list[i], &end);
	return routes;
}

struct routes *routes_ref(struct routes *routes)
{
	atomic_fetch_add_explicit(&routes->references, 1, memory_order_relaxed);
	return routes;
}

void routes_unref(struct routes *routes)
{
	/* Release: what this thread read comes before; acquire: the last one frees after all. */
	if (!routes || atomic_fetch_sub_explicit(&routes->references, 1, memory_order_acq_rel) != 1)
		return;
	table_clear(&routes->by_domain);
	free(routes);
}

static const struct route *find_unexpired(const struct routes *routes, const char *domain,
					  int64_t now)
{
	const struct entry *entry = find(routes, domain);

	if (!entry || (entry->route.expires_at != 0 && entry->route.expires_at <= now))
		return NULL;
	return &entry->route;
}

const struct route *routes_find(const struct routes *routes, const char *name, int64_t now)
{
	char wildcard[DOMAIN_MAX + 2];

	if (name[0] == '*')
		return NULL;
	const struct route *route = find_unexpired(routes, name, now);
	if (route)
		return route;

	const char *rest = strchr(name, '.');
	if (!rest || strlen(rest) > DOMAIN_MAX)
		return NULL;
	wildcard[0] = '*';
	strcpy(wildcard + 1, rest);
	return find_unexpired(routes, wildcard, now);
}
