// SPDX-License-Identifier: BSD-2-Clause
#include "user/store/group.h"

#include "common/base/container_of.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct group *of(const struct table_link *link)
{
	return container_of(link, struct group, link);
}

static bool same(const struct table_link *link, const void *name)
{
	return strcmp(of(link)->name, name) == 0;
}

struct group *group_find(const struct table *groups, const char *name)
{
	struct table_link *link = table_find(groups, table_hash_string(groups, name), same, name);

	return link ? of(link) : NULL;
}

static struct group *make(struct table *groups, const char *name)
{
	size_t size = strlen(name) + 1;
	struct group *group = calloc(1, sizeof(*group) + size);

	if (!group)
		return NULL;
	memcpy(group->name, name, size);
	TAILQ_INIT(&group->members);
	table_add(groups, &group->link, table_hash_string(groups, name));
	return group;
}

int group_join(struct table *groups, const char *name, struct announcement *item,
	       struct group_member *ret)
{
	struct group *group = group_find(groups, name);

	if (!group)
		group = make(groups, name);
	if (!group)
		return -ENOMEM;
	group->joined++;
	*ret = (struct group_member){.item = item, .group = group};
	return 0;
}

void group_leave(struct table *groups, struct group_member *member)
{
	struct group *group = member->group;

	if (!group)
		return;
	member->group = NULL;
	if (--group->joined > 0)
		return;
	table_remove(groups, &group->link);
	free(group);
}

void group_enter(struct group_member *member)
{
	TAILQ_INSERT_TAIL(&member->group->members, member, entry);
}

void group_exit(struct group_member *member)
{
	TAILQ_REMOVE(&member->group->members, member, entry);
}
