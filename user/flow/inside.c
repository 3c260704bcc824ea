// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/inside.h"

#include "common/base/clock.h"
#include "common/base/container_of.h"
#include "common/base/domain.h"
#include "common/base/table.h"
#include "user/wire/limits.h"

#include <stdlib.h>
#include <string.h>

#define PLACES 16       /* names in turn at one worker; with more, some are asked for more often */
#define VALID  NS_PER_S /* an announcement that is withdrawn ends within this time */

/* Of a name at a public proxy. */
struct key {
	char domain[DOMAIN_MAX + 1];
	char proxy[OPERATOR_MAX + 1];
};

struct lesson {
	struct table_link by_key;
	struct key key;
	struct addr addrs[ENDPOINT_ADDRS];
	unsigned n; /* 0: nothing learned here yet */
	uint64_t learned;
};

struct inside_memory {
	struct table by_key;
	struct lesson lessons[PLACES];
};

struct inside_memory *inside_memory_new(void)
{
	struct inside_memory *memory = calloc(1, sizeof(*memory));

	if (memory)
		table_init(&memory->by_key);
	return memory;
}

void inside_memory_free(struct inside_memory *memory)
{
	if (memory)
		table_clear(&memory->by_key);
	free(memory);
}

struct question {
	const char *domain, *proxy;
};

static bool answers(const struct table_link *link, const void *arg)
{
	const struct key *key = &container_of(link, const struct lesson, by_key)->key;
	const struct question *question = arg;

	return strcmp(key->domain, question->domain) == 0 &&
	       strcmp(key->proxy, question->proxy) == 0;
}

/* Most domains are asked for through one public proxy. */
static uint64_t hash_of(const struct inside_memory *memory, const char *domain)
{
	return table_hash_string(&memory->by_key, domain);
}

static struct lesson *find(const struct inside_memory *memory, const char *domain,
			   const char *proxy)
{
	const struct question question = {domain, proxy};
	struct table_link *link =
		table_find(&memory->by_key, hash_of(memory, domain), answers, &question);

	return link ? container_of(link, struct lesson, by_key) : NULL;
}

/* In place of the one that was learned first. */
static struct lesson *add(struct inside_memory *memory, const char *domain, const char *proxy)
{
	struct lesson *first = &memory->lessons[0];

	for (unsigned i = 1; i < PLACES; i++)
		if (memory->lessons[i].learned < first->learned)
			first = &memory->lessons[i];
	if (first->n > 0)
		table_remove(&memory->by_key, &first->by_key);
	strcpy(first->key.domain, domain);
	strcpy(first->key.proxy, proxy);
	table_add(&memory->by_key, &first->by_key, hash_of(memory, domain));
	return first;
}

void inside_learn(struct inside_memory *memory, const char *domain, const char *proxy,
		  const struct addr *addrs, unsigned n, uint64_t now)
{
	if (strlen(domain) > DOMAIN_MAX || strlen(proxy) > OPERATOR_MAX || n == 0 ||
	    n > ENDPOINT_ADDRS)
		return;
	struct lesson *lesson = find(memory, domain, proxy);
	if (!lesson)
		lesson = add(memory, domain, proxy);
	memcpy(lesson->addrs, addrs, n * sizeof(*addrs));
	lesson->n = n;
	lesson->learned = now;
}

unsigned inside_recall(const struct inside_memory *memory, const char *domain, const char *proxy,
		       uint64_t now, struct addr *ret)
{
	const struct lesson *lesson = find(memory, domain, proxy);

	if (!lesson || now - lesson->learned >= VALID)
		return 0;
	memcpy(ret, lesson->addrs, lesson->n * sizeof(*ret));
	return lesson->n;
}
