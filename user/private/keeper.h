/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeps connections to public proxies dialled ahead, so that a client waits
 * for no rendezvous: as many as the demand asks for, at each public proxy
 * that has accepted one of our announcements.
 */
#pragma once

#include "user/private/service.h"

struct keeper;

struct keeper_settings {
	unsigned min, max; /* connections that wait at each public proxy */
	/* ms */
	int64_t backoff_min, backoff_max; /* after a failure, doubled from one to the other */
	int64_t refused;                  /* after one that will not end by itself */
	int64_t calm;                     /* the period over which the demand is looked at */
	int64_t gather;                   /* time in which those that were taken are gathered */
	int64_t directory; /* after which what it said of a public proxy is asked again */
	int64_t steady;    /* a connection that waited this long has not failed when it ends */
};

/* All but min and max. */
#define KEEPER_TIMES                                                                              \
	.backoff_min = 200, .backoff_max = 30000, .refused = 600000, .calm = 60000, .gather = 50, \
	.directory = 600000, .steady = 30000

/* Nothing is dialled before a public proxy has accepted something. `service` is not owned. */
int keeper_new(struct event_base *base, struct private_service *service,
	       const struct keeper_settings *settings, struct keeper **ret);
/* After the client and the resolver, whose last answers still come here. Takes NULL. */
void keeper_free(struct keeper *keeper);
/* Reserve and dial nothing more. */
void keeper_stop(struct keeper *keeper);

/* Public proxy `proxy` has accepted announcements. `keeper` is void, so that this can be a
 * callback. */
void keeper_accepted(const char *proxy, void *keeper);
/* MAIL_PARKED came, borrowed. */
void keeper_parked(struct keeper *keeper, const struct mail *mail);

/* For tests: how many wait there, and how many should. */
unsigned keeper_waiting(const struct keeper *keeper, const char *proxy);
unsigned keeper_target(const struct keeper *keeper, const char *proxy);
