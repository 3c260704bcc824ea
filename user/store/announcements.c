// SPDX-License-Identifier: BSD-2-Clause
#include "user/store/announcements.h"

#include "common/base/cleanup.h"
#include "common/base/container_of.h"

#include <errno.h>
#include <string.h>

/* One step of an open transaction: `before` is what it replaced. */
struct change {
	struct announcement *before, *after;
};

struct announcements {
	struct store *store;
	struct announcements_limits limits;
	struct announcement_list list;
	struct table table;           /* by domain and proxy */
	struct table owners, proxies; /* groups */
	size_t count;
	struct change *changes;
	size_t n_changes, room;
};

static void announcement_free(struct announcements *all, struct announcement *item)
{
	if (!item)
		return;
	group_leave(&all->owners, &item->of_owner);
	group_leave(&all->proxies, &item->at_proxy);
	free(item->internal_address);
	free(item->refusal);
	free(item);
}

/* Not yet among the others: attach(). */
static struct announcement *announcement_new(struct announcements *all, const struct stored *record)
{
	size_t domain = strlen(record->domain) + 1, proxy = strlen(record->proxy) + 1;
	size_t owner = strlen(record->owner) + 1;
	struct announcement *item = calloc(1, sizeof(*item) + domain + proxy + owner);

	if (!item)
		return NULL;
	item->domain = memcpy(item->text, record->domain, domain);
	item->proxy = memcpy(item->text + domain, record->proxy, proxy);
	item->owner = memcpy(item->text + domain + proxy, record->owner, owner);
	item->expires_at = record->expires_at;
	if (group_join(&all->owners, item->owner, item, &item->of_owner) < 0 ||
	    group_join(&all->proxies, item->proxy, item, &item->at_proxy) < 0) {
		announcement_free(all, item);
		return NULL;
	}
	return item;
}

struct key {
	const char *domain, *proxy;
};

static uint64_t hash(const struct announcements *all, const struct key *key)
{
	return table_hash_string(&all->table, key->domain) +
	       table_hash_string(&all->table, key->proxy);
}

static struct announcement *of(const struct table_link *link)
{
	return container_of(link, struct announcement, link);
}

static bool same(const struct table_link *link, const void *arg)
{
	const struct announcement *item = of(link);
	const struct key *key = arg;

	return strcmp(item->domain, key->domain) == 0 && strcmp(item->proxy, key->proxy) == 0;
}

static void attach(struct announcements *all, struct announcement *item)
{
	const struct key key = {item->domain, item->proxy};

	table_add(&all->table, &item->link, hash(all, &key));
	TAILQ_INSERT_TAIL(&all->list, item, entry);
	group_enter(&item->of_owner);
	group_enter(&item->at_proxy);
	if (!item->fixed) {
		all->count++;
		item->of_owner.group->counted++;
	}
}

static void detach(struct announcements *all, struct announcement *item)
{
	table_remove(&all->table, &item->link);
	TAILQ_REMOVE(&all->list, item, entry);
	group_exit(&item->of_owner);
	group_exit(&item->at_proxy);
	if (!item->fixed) {
		all->count--;
		item->of_owner.group->counted--;
	}
}

static int load_one(const struct stored *record, void *arg)
{
	struct announcements *all = arg;

	struct announcement *item = announcement_new(all, record);
	if (!item)
		return -ENOMEM;
	attach(all, item);
	return 0;
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
	table_init(&all->table);
	table_init(&all->owners);
	table_init(&all->proxies);
	if (store)
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
		announcement_free(all, item);
	}
	table_clear(&all->table);
	table_clear(&all->owners);
	table_clear(&all->proxies);
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

static const struct group_members *members(const struct table *groups, const char *name)
{
	static const struct group_members none = {0};
	const struct group *group = group_find(groups, name);

	return group ? &group->members : &none;
}

const struct group_members *announcements_at_proxy(const struct announcements *all,
						   const char *proxy)
{
	return members(&all->proxies, proxy);
}

const struct group_members *announcements_by_owner(const struct announcements *all,
						   const char *owner)
{
	return members(&all->owners, owner);
}

size_t announcements_of_owner(const struct announcements *all, const char *owner)
{
	const struct group *group = group_find(&all->owners, owner);

	return group ? group->counted : 0;
}

bool announcements_owner_has_any(const struct announcements *all, const char *owner, int64_t now)
{
	const struct group_member *member;

	TAILQ_FOREACH(member, announcements_by_owner(all, owner), entry) {
		if (!announcement_expired(member->item, now))
			return true;
	}
	return false;
}

struct announcement *announcements_find(const struct announcements *all, const char *domain,
					const char *proxy)
{
	const struct key key = {domain, proxy};
	const struct table_link *link = table_find(&all->table, hash(all, &key), same, &key);

	return link ? of(link) : NULL;
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
	struct announcement *after = announcement_new(all, record);
	if (!after)
		return -ENOMEM;
	if (before)
		detach(all, before);
	attach(all, after);
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
		announcement_free(all, all->changes[i].before);
	all->n_changes = 0;
	return 1;
}

void announcements_rollback(struct announcements *all)
{
	while (all->n_changes > 0) {
		struct change *change = &all->changes[--all->n_changes];
		if (change->after) {
			detach(all, change->after);
			announcement_free(all, change->after);
		}
		if (change->before)
			attach(all, change->before);
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
	struct announcement *item = announcement_new(all, record);

	if (!item)
		return -ENOMEM;
	item->fixed = true;
	if (internal_address && !(item->internal_address = strdup(internal_address))) {
		announcement_free(all, item);
		return -ENOMEM;
	}
	if (before) {
		detach(all, before);
		announcement_free(all, before);
	}
	attach(all, item);
	return 0;
}
