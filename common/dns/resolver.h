/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one way from "host:port" to addresses while a program runs: literals,
 * /etc/hosts and name servers, as /etc/resolv.conf says, both followed when
 * they change. It runs on the event loop and never blocks it. Answers are kept
 * as long as their TTL says; equal questions are asked once.
 *
 * The addresses that a program listens at are not its business: they are
 * resolved at start by addr_resolve(), when it does no harm to wait.
 */
#pragma once

#include "common/base/addr.h"
#include "common/dns/resolv_conf.h"

#include <event2/event.h>

#define RESOLVER_ADDRS 32 /* the most that an answer has, whatever the settings say */

struct resolver;
struct resolver_wait;

struct resolver_settings {
	/* Instead of the file's; none: the file's. */
	struct name_server servers[RESOLV_SERVERS];
	unsigned n_servers;
	unsigned max_ttl_ms;   /* an answer is used no longer without asking anew */
	unsigned max_stale_ms; /* and beyond that at most this long, when nobody answers */
	unsigned max_names;    /* answers that are kept */
	unsigned max_lookups;  /* under way */
	unsigned max_addrs;    /* of one name, at most RESOLVER_ADDRS */
};

#define RESOLVER_DEFAULTS                                                          \
	{                                                                          \
		.max_ttl_ms = 300000, .max_stale_ms = 86400000, .max_names = 4096, \
		.max_lookups = 1024, .max_addrs = 16                               \
	}

struct resolver_answer {
	/*
	 * `n` > 0 addresses, or a negative errno: -EINVAL no host:port, -ENOENT the
	 * name has no address, -EIO no name server has told, -EAGAIN too many
	 * look-ups under way, -ECANCELED the resolver is being freed, -ENOMEM.
	 */
	int n;
	const struct addr *addrs; /* in the order to try them */
	unsigned ttl_ms;          /* for which that is valid; 0: no longer, or for ever */
	const char *reason;       /* why not, for people */
};

/* The answer is borrowed. */
typedef void (*resolver_done)(const struct resolver_answer *answer, void *arg);

/* `settings` NULL: RESOLVER_DEFAULTS. 0, -ENOMEM. */
int resolver_new(struct event_base *base, const struct resolver_settings *settings,
		 struct resolver **ret);
/* Who waits is answered with -ECANCELED. Not from inside `done`. NULL is fine. */
void resolver_free(struct resolver *resolver);

/*
 * `done` is called exactly once, before return if the answer is known. An
 * answer that has expired is given as well when the servers take longer than
 * an instant to tell a new one.
 */
void resolver_lookup(struct resolver *resolver, const char *endpoint, resolver_done done,
		     void *arg);

/*
 * The same, but `done` is never called before return, and not at all after
 * resolver_cancel(). *ret is set only if `done` will be called. 0, -ENOMEM.
 */
int resolver_start(struct resolver *resolver, const char *endpoint, resolver_done done, void *arg,
		   struct resolver_wait **ret);
/* Not from inside `done`, after which it is invalid anyway. NULL is fine. */
void resolver_cancel(struct resolver_wait *wait);

/*
 * None of the addresses takes connections: the servers are asked at once, and
 * until they tell, nobody gets the old answer. Nothing happens if they have
 * been asked within the last second.
 */
void resolver_refused(struct resolver *resolver, const char *endpoint);
