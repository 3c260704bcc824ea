/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeps the announcements of a private proxy known to its public proxies, from
 * the start, again and again, and at once when they have come back.
 */
#pragma once

#include "common/jsonrpc/client.h"
#include "user/store/announcements.h"

#include <event2/event.h>

struct announcer;

/* Nothing is sent before announcer_start(). */
int announcer_new(struct event_base *base, const char *name, struct jsonrpc_client *client,
		  struct announcements *announcements, struct announcer **ret);
/* After the client, whose last replies still come here. */
void announcer_free(struct announcer *announcer);
/* Called whenever a public proxy has accepted some or all announcements. One at a time. */
void announcer_on_accepted(struct announcer *announcer,
			   void (*accepted)(const char *proxy, void *arg), void *arg);
void announcer_start(struct announcer *announcer);
/* Send nothing more. */
void announcer_stop(struct announcer *announcer);
/* The public proxy `proxy` has accepted an announcement: look after it from now on. */
int announcer_watch(struct announcer *announcer, const char *proxy);

/* {"domain", "proxy", "expires_at"}, as announceConnections takes it. */
json_t *announcer_connection(const char *domain, const char *proxy, int64_t expires_at,
			     int64_t now);
