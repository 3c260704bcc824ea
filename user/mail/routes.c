// SPDX-License-Identifier: BSD-2-Clause
#include "user/mail/routes.h"

#include "common/base/siphash.h"
#include "user/mail/mailbox.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Open addressing, at most half full; the names follow the slots in the same allocation. */
struct routes {
	atomic_uint references;
	struct siphash_key key;
	size_t mask;
	struct route slots[];
};

static size_t slot_count(size_t n)
{
	size_t count = 8;

	while (count < 2 * n)
		count *= 2;
	return count;
}

/* The slot of this domain, or the free one where it belongs. */
static struct route *slot_of(const struct routes *routes, const char *domain)
{
	size_t i = (size_t)siphash(&routes->key, domain, strlen(domain));

	for (;; i++) {
		const struct route *slot = &routes->slots[i & routes->mask];
		if (!slot->domain || strcmp(slot->domain, domain) == 0)
			return (struct route *)slot;
	}
}

static const char *append(char **end, const char *text)
{
	char *start = *end;
	size_t size = strlen(text) + 1;

	memcpy(start, text, size);
	*end += size;
	return start;
}

struct routes *routes_new(const struct route *list, size_t n)
{
	size_t count = slot_count(n), text = 0;

	for (size_t i = 0; i < n; i++)
		text += strlen(list[i].domain) + strlen(list[i].operator) + 2;

	size_t size = sizeof(struct routes) + count * sizeof(struct route);
	struct routes *routes = calloc(1, size + text);
	if (!routes)
		return NULL;
	atomic_init(&routes->references, 1);
	siphash_key_new(&routes->key);
	routes->mask = count - 1;

	char *end = (char *)routes + size;
	for (size_t i = 0; i < n; i++) {
		struct route *slot = slot_of(routes, list[i].domain);
		if (!slot->domain)
			slot->domain = append(&end, list[i].domain);
		slot->operator= append(&end, list[i].operator);
		slot->expires_at = list[i].expires_at;
	}
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
	if (routes && atomic_fetch_sub_explicit(&routes->references, 1, memory_order_acq_rel) == 1)
		free(routes);
}

static const struct route *find_unexpired(const struct routes *routes, const char *domain,
					  int64_t now)
{
	const struct route *slot = slot_of(routes, domain);

	if (!slot->domain || (slot->expires_at != 0 && slot->expires_at <= now))
		return NULL;
	return slot;
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
