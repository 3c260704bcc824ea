/* SPDX-License-Identifier: BSD-2-Clause */
/* What the resolver is made of; everybody else uses common/dns/resolver.h. */
#pragma once

#include "common/dns/cache.h"
#include "common/dns/files.h"
#include "common/dns/hosts.h"
#include "common/dns/lookup.h"
#include "common/dns/resolver.h"

TAILQ_HEAD(wait_list, resolver_wait);

/* An answer that outlives what it was made of. */
struct reply {
	struct resolver_answer answer;
	struct addr addrs[RESOLVER_ADDRS];
	char reason[DNS_REASON_MAX];
};

/* Somebody who waits. */
struct resolver_wait {
	TAILQ_ENTRY(resolver_wait) entry;
	struct wait_list *list; /* that it is in */
	resolver_done done;
	void *arg;
	uint16_t port;
	struct reply *reply; /* there already: see `ready` */
};

/* A name that is being looked up. */
struct task {
	struct table_link link;
	struct resolver *resolver;
	struct lookup *lookup;
	struct event *patience; /* then an old answer will do … */
	bool patience_over;     /* … also for those who come later */
	struct wait_list waits;
	uint64_t began;
	char host[];
};

struct resolver {
	struct event_base *base;
	struct resolver_settings settings;
	struct resolv_conf conf;
	struct servers *servers;
	struct hosts hosts;
	struct cache cache;
	struct table tasks;
	struct wait_list ready; /* their answers were known when they asked */
	struct event *deliver;  /* … and go to them in the next turn of the loop */
	struct watched_file resolv_conf, hosts_file;
	uint64_t looked_at; /* the files */
	bool closing;
};

/* Follow what has changed in the files, at most once a second. */
void resolver_follow_files(struct resolver *resolver, uint64_t now);
/* Read resolv.conf and use it. What cannot be read or used changes nothing. 0, -errno. */
int resolver_read_conf(struct resolver *resolver);

/* An error, or what the cache holds; with this port. */
void reply_fail(struct reply *reply, int r, const char *reason);
void reply_fill(struct reply *reply, const struct answer *answer, uint64_t now, uint16_t port);

/* Begin to look a name up; there is no such task yet. 0, -EAGAIN: too many, -ENOMEM. */
int task_new(struct resolver *resolver, const char *host, struct task **ret);
struct task *task_find(const struct resolver *resolver, const char *host);
void task_free(struct task *task); /* nobody waits any more */
/* Those who wait are given the old answer soon. False: they have waited for long enough. */
bool task_patient(struct task *task);
/* Whoever waits in the list gets it, and is gone. `answer` NULL: `r` and `reason` instead. */
void task_deliver(struct wait_list *list, const struct answer *answer, int r, const char *reason);

/* May be given out without asking anybody. */
bool answer_valid(const struct answer *answer, uint64_t now);
/* May be given out when the servers do not tell (in time). */
bool answer_usable(const struct answer *answer, uint64_t now);
