// SPDX-License-Identifier: BSD-2-Clause
#include "user/public/reservations.h"

#include "common/base/cleanup.h"
#include "common/base/container_of.h"
#include "common/base/table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* The tokens of one call. */
struct grant {
	TAILQ_ENTRY(grant) in_all, in_holder; /* oldest first */
	struct holder *holder;
	unsigned n; /* neither shown nor run out */
	int64_t until;
};

TAILQ_HEAD(grants, grant);

/* An operator that has tokens. There are as many as private proxies that were here just now. */
struct holder {
	struct table_link link;
	struct grants grants;
	unsigned n;
	char operator[];
};

struct reservations {
	struct reservations_limits limits;
	struct table holders; /* by operator */
	struct grants grants;
	unsigned n;
};

struct reservations *reservations_new(const struct reservations_limits *limits)
{
	struct reservations *all = calloc(1, sizeof(*all));

	if (!all)
		return NULL;
	all->limits = *limits;
	table_init(&all->holders);
	TAILQ_INIT(&all->grants);
	return all;
}

/* `n` tokens of a grant count no more. */
static void drop(struct reservations *all, struct grant *grant, unsigned n)
{
	struct holder *holder = grant->holder;

	grant->n -= n;
	holder->n -= n;
	all->n -= n;
	if (grant->n > 0)
		return;
	TAILQ_REMOVE(&all->grants, grant, in_all);
	TAILQ_REMOVE(&holder->grants, grant, in_holder);
	free(grant);
	if (holder->n > 0)
		return;
	table_remove(&all->holders, &holder->link);
	free(holder);
}

void reservations_free(struct reservations *all)
{
	if (!all)
		return;
	for (struct grant *grant; (grant = TAILQ_FIRST(&all->grants));)
		drop(all, grant, grant->n);
	table_clear(&all->holders);
	free(all);
}

static void expire(struct reservations *all, int64_t now)
{
	for (struct grant *grant; (grant = TAILQ_FIRST(&all->grants)) && grant->until <= now;)
		drop(all, grant, grant->n);
}

static struct holder *of(const struct table_link *link)
{
	return container_of(link, struct holder, link);
}

static bool same(const struct table_link *link, const void *name)
{
	return strcmp(of(link)->operator, name) == 0;
}

static struct holder *find(const struct reservations *all, const char *name)
{
	struct table_link *link =
		table_find(&all->holders, table_hash_string(&all->holders, name), same, name);

	return link ? of(link) : NULL;
}

static struct holder *make(struct reservations *all, const char *name)
{
	size_t size = strlen(name) + 1;
	struct holder *holder = calloc(1, sizeof(*holder) + size);

	if (!holder)
		return NULL;
	memcpy(holder->operator, name, size);
	TAILQ_INIT(&holder->grants);
	table_add(&all->holders, &holder->link, table_hash_string(&all->holders, name));
	return holder;
}

static unsigned room(unsigned limit, unsigned n)
{
	return n < limit ? limit - n : 0;
}

unsigned reservations_take(struct reservations *all, const char *name, unsigned wanted, int64_t now)
{
	expire(all, now);
	struct holder *holder = find(all, name);
	unsigned own = room(all->limits.per_operator, holder ? holder->n : 0);
	unsigned left = room(all->limits.total, all->n);
	unsigned n = own < left ? own : left;

	if (n > wanted)
		n = wanted;
	if (n == 0)
		return 0;
	AUTO_FREE struct grant *grant = calloc(1, sizeof(*grant));
	if (grant && !holder)
		holder = make(all, name);
	if (!grant || !holder)
		return 0;
	*grant = (struct grant){.holder = holder, .n = n, .until = now + all->limits.valid_ms};
	TAILQ_INSERT_TAIL(&all->grants, grant, in_all);
	TAILQ_INSERT_TAIL(&holder->grants, grant, in_holder);
	TAKE_PTR(grant);
	holder->n += n;
	all->n += n;
	return n;
}

/* Of its oldest grant, whichever it came from: so the count is never too low. */
void reservations_shown(struct reservations *all, const char *name)
{
	struct holder *holder = find(all, name);

	if (holder)
		drop(all, TAILQ_FIRST(&holder->grants), 1);
}
