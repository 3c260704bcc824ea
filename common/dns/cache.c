// SPDX-License-Identifier: BSD-2-Clause
#include "common/dns/cache.h"

#include "common/base/container_of.h"

#include <stdlib.h>
#include <string.h>

void cache_init(struct cache *cache, unsigned max)
{
	table_init(&cache->table);
	TAILQ_INIT(&cache->list);
	cache->n = 0;
	cache->max = max;
}

static void answer_free(struct answer *answer)
{
	free(answer->host);
	free(answer->reason);
	free(answer);
}

static void forget(struct cache *cache, struct answer *answer)
{
	table_remove(&cache->table, &answer->link);
	TAILQ_REMOVE(&cache->list, answer, entry);
	cache->n--;
	answer_free(answer);
}

void cache_clear(struct cache *cache)
{
	while (!TAILQ_EMPTY(&cache->list))
		forget(cache, TAILQ_FIRST(&cache->list));
	table_clear(&cache->table);
}

void cache_expire(struct cache *cache)
{
	struct answer *answer;

	TAILQ_FOREACH(answer, &cache->list, entry) {
		answer->expires = 0;
		answer->asked = 0;
	}
}

static bool same_host(const struct table_link *link, const void *key)
{
	return strcmp(container_of(link, const struct answer, link)->host, key) == 0;
}

struct answer *cache_find(const struct cache *cache, const char *host)
{
	struct table_link *link =
		table_find(&cache->table, table_hash_string(&cache->table, host), same_host, host);

	return link ? container_of(link, struct answer, link) : NULL;
}

struct answer *cache_put(struct cache *cache, const char *host, int n, const struct addr *addrs,
			 const char *reason)
{
	size_t length = n > 0 ? (size_t)n * sizeof(*addrs) : 0;
	struct answer *answer = calloc(1, sizeof(*answer) + length);

	if (!answer)
		return NULL;
	answer->host = strdup(host);
	answer->reason = reason ? strdup(reason) : NULL;
	if (!answer->host || (reason && !answer->reason)) {
		answer_free(answer);
		return NULL;
	}
	answer->n = n;
	if (length > 0)
		memcpy(answer->addrs, addrs, length);
	struct answer *old = cache_find(cache, host);
	if (old)
		forget(cache, old);
	else if (cache->n >= cache->max)
		forget(cache, TAILQ_FIRST(&cache->list));
	table_add(&cache->table, &answer->link, table_hash_string(&cache->table, host));
	TAILQ_INSERT_TAIL(&cache->list, answer, entry);
	cache->n++;
	return answer;
}
