/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The announcements that have a name in common, that of their owner or of their
 * public proxy, so that they are found without a look at all the others. An
 * announcement joins its groups when it is made: bringing it in and taking it
 * out again needs no memory and cannot fail.
 */
#pragma once

#include "common/base/table.h"

#include <sys/queue.h>

struct announcement;

/* The place of an announcement in one of its groups. */
struct group_member {
	TAILQ_ENTRY(group_member) entry;
	struct announcement *item;
	struct group *group;
};

TAILQ_HEAD(group_members, group_member);

struct group {
	struct table_link link;
	struct group_members members; /* that are in, oldest first */
	size_t counted;               /* for the owner of the groups to keep */
	size_t joined;                /* whether they are in or not */
	char name[];
};

/* NULL: there is none of this name. Borrowed. */
struct group *group_find(const struct table *groups, const char *name);

/* Makes the group if need be. -ENOMEM. */
int group_join(struct table *groups, const char *name, struct announcement *item,
	       struct group_member *ret);
/* Takes a member that has not joined. It must be out. Frees the group that nobody is left in. */
void group_leave(struct table *groups, struct group_member *member);

/* To the end of its group, and out of it. */
void group_enter(struct group_member *member);
void group_exit(struct group_member *member);
