// SPDX-License-Identifier: BSD-2-Clause
#include "user/store/announcements.h"

#include "common/base/cleanup.h"

#include <errno.h>
#include <search.h>
#include <string.h>

/* One step of an open transaction: `before` is what it replaced. */
struct change {
	struct announcement *before, *after;
};

struct announcements {
	struct store *store;
	struct announcements_limits limits;
	struct announcement_list list;
	void *tree; /* by domain and proxy: balanced, so that no choice of names makes it slow */
	size_t count;
	json_t *per_owner; /* operator: number of records */
	struct change *changes;
	size_t n_changes, room;
};

static void announcement_free(struct announcement *item)
{
	if (!item)
		return;
	free(item->domain);
	free(item->proxy);
	free(item->owner);
	free(item->internal_address);
	free(item->refusal);
	free(item);
}

static struct announcement *announcement_new(const struct stored *record)
{
	struct announcement *item = calloc(1, sizeof(*item));

	if (!item)
		return NULL;
	item->domain = strdup(record->domain);
	item->proxy = strdup(record->proxy);
	item->owner = strdup(record->owner);
	item->expires_at = record->expires_at;
	if (!item->domain || !item->proxy || !item->owner) {
		announcement_free(item);
		return NULL;
	}
	return item;
}

static int compare(const void *a, const void *b)
{
	const struct announcement *x = a, *y = b;

	int r = strcmp(x->domain, y->domain);
	return r ? r : strcmp(x->proxy, y->proxy);
}

static void count_owner(struct announcements *all, const char *owner, int by)
{
	json_int_t n = json_integer_value(json_object_get(all->per_owner, owner)) + by;

	if (n > 0)
		json_object_set_new(all->per_owner, owner, json_integer(n));
	else
		json_object_del(all->per_owner, owner);
}

static int attach(struct announcements *all, struct announcement *item)
{
	if (!tsearch(item, &all->tree, compare))
		return -ENOMEM;
	TAILQ_INSERT_TAIL(&all->list, item, entry);
	if (!item->fixed) {
		all->count++;
		count_owner(all, item->owner, 1);
	}
	return 0;
}

static void detach(struct announcements *all, struct announcement *item)
{
	tdelete(item, &all->tree, compare);
	TAILQ_REMOVE(&all->list, item, entry);
	if (!item->fixed) {
		all->count--;
		count_owner(all, item->owner, -1);
	}
}

static int load_one(const struct stored *record, void *arg)
{
	struct announcements *all = arg;

	struct announcement *item = announcement_new(record);
	if (!item)
		return -ENOMEM;
	int r = attach(all, item);
	if (r < 0)
		announcement_free(item);
	return r;
}

int announcements_new(struct store *store, const struct announcements_limits *limits, int64_t now,
		      struct announcements **ret)
{
	struct announcements *all = calloc(1, sizeof(*all));
	int r = 0;

	if (!all)
		return -ENOMEM;
	TAILQ_INIT(&all->list);
	all->limits = *limits;
	all->per_owner = json_object();
	if (!all->per_owner)
		r = -ENOMEM;
	if (r == 0 && store)
		r = store_load(store, load_one, all);
	if (r < 0) {
		announcements_free(all);
		return r;
	}
	all->store = store;
	(void)announcements_expire(all, now);
	/* If that cannot be written now, the timer that removes expired ones tries again. */
	(void)announcements_commit(all);
	*ret = all;
	return 0;
}

void announcements_close(struct announcements *all)
{
	announcements_rollback(all);
	store_close(TAKE_PTR(all->store));
}

void announcements_free(struct announcements *all)
{
	if (!all)
		return;
	announcements_rollback(all);
	for (struct announcement *item; (item = TAILQ_FIRST(&all->list));) {
		detach(all, item);
		announcement_free(item);
	}
	json_decref(all->per_owner);
	store_close(all->store);
	free(all->changes);
	free(all);
}

const struct announcement_list *announcements_list(const struct announcements *all)
{
	return &all->list;
}

size_t announcements_count(const struct announcements *all)
{
	return all->count;
}

size_t announcements_of_owner(const struct announcements *all, const char *owner)
{
	return (size_t)json_integer_value(json_object_get(all->per_owner, owner));
}

struct announcement *announcements_find(const struct announcements *all, const char *domain,
					const char *proxy)
{
	struct announcement key = {.domain = (char *)domain, .proxy = (char *)proxy};
	struct announcement **found = tfind(&key, &all->tree, compare);

	return found ? *found : NULL;
}

bool announcement_expired(const struct announcement *announcement, int64_t now)
{
	return announcement->expires_at != 0 && announcement->expires_at <= now;
}

/* Room for one more step, so that noting it cannot fail after it was done. */
static int reserve(struct announcements *all)
{
	if (all->n_changes < all->room)
		return 0;
	size_t room = all->room ? 2 * all->room : 16;
	struct change *more = realloc(all->changes, room * sizeof(*more));
	if (!more)
		return -ENOMEM;
	all->changes = more;
	all->room = room;
	return 0;
}

static int check_limits(const struct announcements *all, const struct stored *record,
			const struct announcement *before)
{
	bool same_owner = before && strcmp(before->owner, record->owner) == 0;

	if (!same_owner && announcements_of_owner(all, record->owner) >= all->limits.per_owner)
		return -EDQUOT;
	if (!before && all->count >= all->limits.total)
		return -ENOSPC;
	return 0;
}

static bool equal(const struct announcement *item, const struct stored *record)
{
	return item && item->expires_at == record->expires_at &&
	       strcmp(item->owner, record->owner) == 0;
}

int announcements_put(struct announcements *all, const struct stored *record)
{
	struct announcement *before = announcements_find(all, record->domain, record->proxy);

	if (equal(before, record))
		return 0;
	int r = check_limits(all, record, before);
	if (r == 0)
		r = reserve(all);
	if (r < 0)
		return r;
	struct announcement *after = announcement_new(record);
	if (!after)
		return -ENOMEM;
	if (before)
		detach(all, before);
	r = attach(all, after);
	if (r < 0) {
		announcement_free(after);
		if (before)
			(void)attach(all, before); /* the memory that detaching gave back */
		return r;
	}
	all->changes[all->n_changes++] = (struct change){.before = before, .after = after};
	return 1;
}

int announcements_remove(struct announcements *all, const char *domain, const char *proxy)
{
	struct announcement *before = announcements_find(all, domain, proxy);

	if (!before)
		return -ENOENT;
	int r = reserve(all);
	if (r < 0)
		return r;
	detach(all, before);
	all->changes[all->n_changes++] = (struct change){.before = before};
	return 0;
}

size_t announcements_expire(struct announcements *all, int64_t now)
{
	size_t n = 0;

	for (struct announcement *item = TAILQ_FIRST(&all->list), *next; item; item = next) {
		next = TAILQ_NEXT(item, entry);
		if (announcement_expired(item, now) &&
		    announcements_remove(all, item->domain, item->proxy) == 0)
			n++;
	}
	return n;
}

static struct stored_change to_stored(const struct change *change)
{
	const struct announcement *item = change->after ? change->after : change->before;

	return (struct stored_change){
		.record =
			{
				.domain = item->domain,
				.proxy = item->proxy,
				.owner = item->owner,
				.expires_at = item->expires_at,
			},
		.remove = !change->after,
	};
}

static int write_changes(struct announcements *all)
{
	size_t n = 0;

	if (!all->store)
		return 0;
	AUTO_FREE struct stored_change *list = calloc(all->n_changes, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < all->n_changes; i++) {
		const struct announcement *before = all->changes[i].before;
		if (!all->changes[i].after && before->fixed)
			continue;
		list[n++] = to_stored(&all->changes[i]);
	}
	return store_write(all->store, list, n);
}

int announcements_commit(struct announcements *all)
{
	if (all->n_changes == 0)
		return 0;
	int r = write_changes(all);
	if (r < 0) {
		announcements_rollback(all);
		return r;
	}
	for (size_t i = 0; i < all->n_changes; i++)
		announcement_free(all->changes[i].before);
	all->n_changes = 0;
	return 1;
}

void announcements_rollback(struct announcements *all)
{
	while (all->n_changes > 0) {
		struct change *change = &all->changes[--all->n_changes];
		if (change->after) {
			detach(all, change->after);
			announcement_free(change->after);
		}
		/* Cannot fail but for memory; then the record is lost until it is announced again.
		 */
		if (change->before && attach(all, change->before) < 0)
			announcement_free(change->before);
	}
}

const char *announcements_reason(const struct announcements *all)
{
	return all->store ? store_reason(all->store) : "out of memory";
}

int announcements_add_fixed(struct announcements *all, const struct stored *record,
			    const char *internal_address)
{
	struct announcement *before = announcements_find(all, record->domain, record->proxy);
	struct announcement *item = announcement_new(record);

	if (!item)
		return -ENOMEM;
	item->fixed = true;
	if (internal_address && !(item->internal_address = strdup(internal_address))) {
		announcement_free(item);
		return -ENOMEM;
	}
	if (before) {
		detach(all, before);
		announcement_free(before);
	}
	int r = attach(all, item);
	if (r < 0)
		announcement_free(item);
	return r;
}
