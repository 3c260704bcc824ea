// SPDX-License-Identifier: BSD-2-Clause
#include "user/private/resolver.h"

#include "common/base/clock.h"
#include "common/loop/timer.h"
#include "common/net/name_lookup.h"
#include "user/mail/mailbox.h" /* ENDPOINT_ADDRS */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define CACHE_MAX       256 /* names; the oldest goes */
#define CACHE_SECONDS   30  /* an address that changed is dialled by then */
#define FAILURE_SECONDS 1   /* a name that cannot be resolved is not asked for more often */
#define UNDER_WAY_MAX   256

struct answer {
	TAILQ_ENTRY(answer) entry;
	char *endpoint;
	uint64_t until; /* as clock_now() tells */
	struct addr list[ENDPOINT_ADDRS];
	int n;
};

/* Who waits for an answer. Many may, for the same one. */
struct waiter {
	STAILQ_ENTRY(waiter) entry;
	resolver_done done;
	void *arg;
};

struct lookup {
	LIST_ENTRY(lookup) entry;
	struct resolver *resolver;
	struct name_lookup *request;
	char *endpoint;
	STAILQ_HEAD(, waiter) waiters;
};

struct resolver {
	struct event_base *base;
	TAILQ_HEAD(, answer) cache;
	unsigned n_cached, under_way;
	LIST_HEAD(, lookup) lookups;
};

int resolver_new(struct event_base *base, struct resolver **ret)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));

	if (!resolver)
		return -ENOMEM;
	resolver->base = base;
	TAILQ_INIT(&resolver->cache);
	LIST_INIT(&resolver->lookups);
	*ret = resolver;
	return 0;
}

static void forget(struct resolver *resolver, struct answer *answer)
{
	TAILQ_REMOVE(&resolver->cache, answer, entry);
	resolver->n_cached--;
	free(answer->endpoint);
	free(answer);
}

static void finish(struct lookup *lookup, int n, const struct addr *list)
{
	struct waiter *waiter;

	LIST_REMOVE(lookup, entry);
	lookup->resolver->under_way--;
	while ((waiter = STAILQ_FIRST(&lookup->waiters))) {
		STAILQ_REMOVE_HEAD(&lookup->waiters, entry);
		waiter->done(n, list, waiter->arg);
		free(waiter);
	}
	free(lookup->endpoint);
	free(lookup);
}

void resolver_free(struct resolver *resolver)
{
	if (!resolver)
		return;
	bool asking = !LIST_EMPTY(&resolver->lookups);
	for (struct lookup *lookup; (lookup = LIST_FIRST(&resolver->lookups));) {
		name_lookup_cancel(lookup->request);
		finish(lookup, -ECANCELED, NULL);
	}
	for (unsigned i = 0; asking && i < NAME_LOOKUP_TURNS; i++)
		event_base_loop(resolver->base, EVLOOP_NONBLOCK);
	for (struct answer *answer; (answer = TAILQ_FIRST(&resolver->cache));)
		forget(resolver, answer);
	free(resolver);
}

static const struct answer *recall(struct resolver *resolver, const char *endpoint)
{
	struct answer *answer, *next;
	uint64_t now = clock_now();

	for (answer = TAILQ_FIRST(&resolver->cache); answer; answer = next) {
		next = TAILQ_NEXT(answer, entry);
		if (answer->until <= now)
			forget(resolver, answer);
		else if (strcmp(answer->endpoint, endpoint) == 0)
			return answer;
	}
	return NULL;
}

/* `n` addresses, or an error. Not remembering is no error: the next one asks again. */
static void remember(struct resolver *resolver, const char *endpoint, const struct addr *list,
		     int n)
{
	struct answer *answer = calloc(1, sizeof(*answer));

	if (!answer || !(answer->endpoint = strdup(endpoint))) {
		free(answer);
		return;
	}
	if (n > 0)
		memcpy(answer->list, list, (size_t)n * sizeof(*list));
	answer->n = n;
	answer->until = clock_now() + (n > 0 ? CACHE_SECONDS : FAILURE_SECONDS) * NS_PER_S;
	if (resolver->n_cached >= CACHE_MAX)
		forget(resolver, TAILQ_FIRST(&resolver->cache));
	TAILQ_INSERT_TAIL(&resolver->cache, answer, entry);
	resolver->n_cached++;
}

static void resolved(int n, const struct addr *found, void *arg)
{
	struct addr list[ENDPOINT_ADDRS];
	struct lookup *lookup = arg;

	if (n > ENDPOINT_ADDRS)
		n = ENDPOINT_ADDRS;
	if (n > 0)
		memcpy(list, found, (size_t)n * sizeof(*list));
	remember(lookup->resolver, lookup->endpoint, list, n);
	finish(lookup, n, list);
}

static struct lookup *find(const struct resolver *resolver, const char *endpoint)
{
	struct lookup *lookup;

	LIST_FOREACH(lookup, &resolver->lookups, entry) {
		if (strcmp(lookup->endpoint, endpoint) == 0)
			return lookup;
	}
	return NULL;
}

static int wait_for(struct lookup *lookup, resolver_done done, void *arg)
{
	struct waiter *waiter = calloc(1, sizeof(*waiter));

	if (!waiter)
		return -ENOMEM;
	waiter->done = done;
	waiter->arg = arg;
	STAILQ_INSERT_TAIL(&lookup->waiters, waiter, entry);
	return 0;
}

static int ask(struct resolver *resolver, const char *endpoint, resolver_done done, void *arg)
{
	if (resolver->under_way >= UNDER_WAY_MAX)
		return -EAGAIN;
	struct lookup *lookup = calloc(1, sizeof(*lookup));
	if (!lookup)
		return -ENOMEM;
	STAILQ_INIT(&lookup->waiters);
	lookup->resolver = resolver;
	lookup->endpoint = strdup(endpoint);
	int r = lookup->endpoint ? name_lookup_start(resolver->base, endpoint, resolved, lookup,
						     &lookup->request)
				 : -ENOMEM;
	if (r == 0)
		r = wait_for(lookup, done, arg);
	if (r < 0) {
		name_lookup_cancel(lookup->request);
		free(lookup->endpoint);
		free(lookup);
		return r;
	}
	LIST_INSERT_HEAD(&resolver->lookups, lookup, entry);
	resolver->under_way++;
	return 0;
}

void resolver_lookup(struct resolver *resolver, const char *endpoint, resolver_done done, void *arg)
{
	struct addr list[ENDPOINT_ADDRS];

	int n = addr_parse(endpoint, list, ENDPOINT_ADDRS);
	if (n != -EAGAIN) {
		done(n, list, arg);
		return;
	}
	const struct answer *answer = recall(resolver, endpoint);
	if (answer) {
		memcpy(list, answer->list, sizeof(list));
		done(answer->n, list, arg);
		return;
	}
	struct lookup *same = find(resolver, endpoint);
	int r = same ? wait_for(same, done, arg) : ask(resolver, endpoint, done, arg);
	if (r < 0)
		done(r, NULL, arg);
}
