/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The announcements of a proxy: in memory for questions, in the store for
 * the next start. Changes since the last commit are seen at once, and are
 * undone when the store does not take them. Control thread only.
 */
#pragma once

#include "user/store/group.h"
#include "user/store/store.h"

#include <jansson.h>
#include <sys/queue.h>

struct announcement {
	/* What a look-up reads comes first, in one line of the processor's cache. */
	struct table_link link;
	const char *domain; /* normalised, maybe a wildcard */
	const char *proxy;  /* private: the name of the public proxy; public: "" */
	const char
		*owner; /* operator that announced it; "": unknown, read from an original's file */
	int64_t expires_at; /* ms since the epoch, 0: never */

	TAILQ_ENTRY(announcement) entry;
	struct group_member of_owner, at_proxy;

	/* Of a private proxy alone, not stored. */
	bool fixed;             /* from the settings: nobody changes it by a message */
	char *internal_address; /* of `fixed` ones, may be NULL */
	char *refusal;          /* what the public proxy said to it last, NULL: accepted */
	bool accepted;

	char text[]; /* the three names */
};

TAILQ_HEAD(announcement_list, announcement);

struct announcements;

struct announcements_limits {
	size_t total;
	size_t per_owner;
};

/* Takes the store (may be NULL: nothing is kept) and loads it; expired records are dropped. */
int announcements_new(struct store *store, const struct announcements_limits *limits, int64_t now,
		      struct announcements **ret);
/* Close the store; what changes from now on is lost. */
void announcements_close(struct announcements *all);
void announcements_free(struct announcements *all); /* takes NULL */

/* All three oldest first; of the latter two the members' `item`. */
const struct announcement_list *announcements_list(const struct announcements *all);
const struct group_members *announcements_at_proxy(const struct announcements *all,
						   const char *proxy);
const struct group_members *announcements_by_owner(const struct announcements *all,
						   const char *owner);

/* How many there are but for those from the settings. */
size_t announcements_count(const struct announcements *all);
size_t announcements_of_owner(const struct announcements *all, const char *owner);

/* Whether one of this owner's has not expired. */
bool announcements_owner_has_any(const struct announcements *all, const char *owner, int64_t now);

/* Expired or not; NULL if there is none. */
struct announcement *announcements_find(const struct announcements *all, const char *domain,
					const char *proxy);
bool announcement_expired(const struct announcement *announcement, int64_t now);

/*
 * Add or replace the record of this domain and proxy. An equal one makes no
 * change and costs no write. 1: changed, 0: equal, -EDQUOT (too many of this
 * owner), -ENOSPC (too many in all), -ENOMEM.
 */
int announcements_put(struct announcements *all, const struct stored *record);
/* -ENOENT: there is none. */
int announcements_remove(struct announcements *all, const char *domain, const char *proxy);
/* Remove all that have expired; returns how many. */
size_t announcements_expire(struct announcements *all, int64_t now);

/*
 * Write what was put and removed since the last commit. Returns 1 when
 * something changed, 0 when nothing did; on a negative errno all of it is
 * undone.
 */
int announcements_commit(struct announcements *all);
void announcements_rollback(struct announcements *all);
const char *announcements_reason(const struct announcements *all);

/* Add one from the settings; it is neither stored nor counted. Replaces a stored one. */
int announcements_add_fixed(struct announcements *all, const struct stored *record,
			    const char *internal_address);
