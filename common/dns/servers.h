/* SPDX-License-Identifier: BSD-2-Clause */
/* The name servers, and which of them to ask first: those that answer. */
#pragma once

#include "common/dns/server.h"

struct servers;

/* c-ares is initialised for it. 0, -ENOMEM. */
int servers_new(struct event_base *base, struct servers **ret);
/* No question may be left; queries that nobody waits for are dropped. NULL is fine. */
void servers_free(struct servers *servers);

/*
 * Ask these from now on. What is known of those that stay is kept; those that
 * go are freed when nobody asks them any more. On -ENOMEM nothing changes.
 */
int servers_set(struct servers *servers, const struct resolv_conf *conf);
unsigned servers_attempts(const struct servers *servers);

/* In the order to ask, each with a reference (`refs`) that the caller gives back. How many. */
unsigned servers_order(struct servers *servers, struct server *ret[RESOLV_SERVERS]);
/*
 * One that has been avoided for long enough to be tried again, NULL if there
 * is none. It is not returned again before the same time has passed.
 */
struct server *servers_to_probe(struct servers *servers);

/* It has answered; not yet, though others would have; not at all, and why. */
void server_good(struct server *server);
void server_slow(struct server *server);
void server_bad(struct server *server, const char *reason);
