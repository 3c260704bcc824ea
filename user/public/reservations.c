// SPDX-License-Identifier: BSD-2-Clause
#include "user/public/reservations.h"

#include "common/base/cleanup.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* The tokens of one call. */
struct batch {
	TAILQ_ENTRY(batch) in_all, in_holder; /* oldest first */
	struct holder *holder;
	unsigned n; /* neither shown nor run out */
	int64_t until;
};

TAILQ_HEAD(batches, batch);

/* An operator that has tokens. There are as many as private proxies that were here just now. */
struct holder {
	LIST_ENTRY(holder) entry;
	struct batches batches;
	unsigned n;
	char operator[];
};

struct reservations {
	struct reservations_limits limits;
	LIST_HEAD(, holder) holders; /* the last one that took something first */
	struct batches batches;
	unsigned n;
};

struct reservations *reservations_new(const struct reservations_limits *limits)
{
	struct reservations *all = calloc(1, sizeof(*all));

	if (!all)
		return NULL;
	all->limits = *limits;
	LIST_INIT(&all->holders);
	TAILQ_INIT(&all->batches);
	return all;
}

/* `n` tokens of a batch count no more. */
static void drop(struct reservations *all, struct batch *batch, unsigned n)
{
	struct holder *holder = batch->holder;

	batch->n -= n;
	holder->n -= n;
	all->n -= n;
	if (batch->n > 0)
		return;
	TAILQ_REMOVE(&all->batches, batch, in_all);
	TAILQ_REMOVE(&holder->batches, batch, in_holder);
	free(batch);
	if (holder->n > 0)
		return;
	LIST_REMOVE(holder, entry);
	free(holder);
}

void reservations_free(struct reservations *all)
{
	if (!all)
		return;
	for (struct batch *batch; (batch = TAILQ_FIRST(&all->batches));)
		drop(all, batch, batch->n);
	free(all);
}

static void expire(struct reservations *all, int64_t now)
{
	for (struct batch *batch; (batch = TAILQ_FIRST(&all->batches)) && batch->until <= now;)
		drop(all, batch, batch->n);
}

static struct holder *find(struct reservations *all, const char *operator)
{
	struct holder *holder;

	LIST_FOREACH(holder, &all->holders, entry) {
		if (strcmp(holder->operator, operator) == 0)
			return holder;
	}
	return NULL;
}

/* To the front of the list; made if need be. */
static struct holder *enter(struct reservations *all, struct holder *holder, const char *operator)
{
	if (holder) {
		LIST_REMOVE(holder, entry);
	} else {
		size_t size = strlen(operator) + 1;
		holder = calloc(1, sizeof(*holder) + size);
		if (!holder)
			return NULL;
		memcpy(holder->operator, operator, size);
		TAILQ_INIT(&holder->batches);
	}
	LIST_INSERT_HEAD(&all->holders, holder, entry);
	return holder;
}

static unsigned room(unsigned limit, unsigned n)
{
	return n < limit ? limit - n : 0;
}

unsigned reservations_take(struct reservations *all, const char *operator, unsigned wanted,
			   int64_t now)
{
	expire(all, now);
	struct holder *holder = find(all, operator);
	unsigned own = room(all->limits.per_operator, holder ? holder->n : 0);
	unsigned left = room(all->limits.total, all->n);
	unsigned n = own < left ? own : left;

	if (n > wanted)
		n = wanted;
	if (n == 0)
		return 0;
	AUTO_FREE struct batch *batch = calloc(1, sizeof(*batch));
	if (!batch || !(holder = enter(all, holder, operator)))
		return 0;
	*batch = (struct batch){.holder = holder, .n = n, .until = now + all->limits.valid_ms};
	TAILQ_INSERT_TAIL(&all->batches, batch, in_all);
	TAILQ_INSERT_TAIL(&holder->batches, batch, in_holder);
	TAKE_PTR(batch);
	holder->n += n;
	all->n += n;
	return n;
}

/* Of its oldest batch, whichever it came from: so the count is never too low. */
void reservations_shown(struct reservations *all, const char *operator)
{
	struct holder *holder = find(all, operator);

	if (holder)
		drop(all, TAILQ_FIRST(&holder->batches), 1);
}
