// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/inside.h"

#include "common/base/clock.h"
#include "common/loop/timer.h"

#include <stdlib.h>
#include <string.h>

#define PLACES 16       /* names in turn at one worker; with more, some are asked for more often */
#define VALID  NS_PER_S /* an announcement that is withdrawn ends within this time */

struct place {
	char domain[DOMAIN_MAX + 1];
	char proxy[OPERATOR_MAX + 1];
	struct addr addrs[ENDPOINT_ADDRS];
	unsigned n; /* 0: empty */
	uint64_t learned;
};

struct inside_memory {
	struct place places[PLACES];
};

struct inside_memory *inside_memory_new(void)
{
	return calloc(1, sizeof(struct inside_memory));
}

void inside_memory_free(struct inside_memory *memory)
{
	free(memory);
}

static const struct place *find(const struct inside_memory *memory, const char *domain,
				const char *proxy)
{
	for (unsigned i = 0; i < PLACES; i++) {
		const struct place *place = &memory->places[i];

		if (place->n > 0 && strcmp(place->domain, domain) == 0 &&
		    strcmp(place->proxy, proxy) == 0)
			return place;
	}
	return NULL;
}

/* Its own, or that of the one which was learned first. */
static struct place *place_for(struct inside_memory *memory, const char *domain, const char *proxy)
{
	const struct place *own = find(memory, domain, proxy);
	struct place *first = &memory->places[0];

	if (own)
		return &memory->places[own - memory->places];
	for (unsigned i = 1; i < PLACES; i++)
		if (memory->places[i].learned < first->learned)
			first = &memory->places[i];
	return first;
}

void inside_learn(struct inside_memory *memory, const char *domain, const char *proxy,
		  const struct addr *addrs, unsigned n, uint64_t now)
{
	struct place *place = place_for(memory, domain, proxy);

	if (strlen(domain) > DOMAIN_MAX || strlen(proxy) > OPERATOR_MAX || n > ENDPOINT_ADDRS)
		return;
	strcpy(place->domain, domain);
	strcpy(place->proxy, proxy);
	memcpy(place->addrs, addrs, n * sizeof(*addrs));
	place->n = n;
	place->learned = now;
}

unsigned inside_recall(const struct inside_memory *memory, const char *domain, const char *proxy,
		       uint64_t now, struct addr *ret)
{
	const struct place *place = find(memory, domain, proxy);

	if (!place || now - place->learned >= VALID)
		return 0;
	memcpy(ret, place->addrs, place->n * sizeof(*ret));
	return place->n;
}
