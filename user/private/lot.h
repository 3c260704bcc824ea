/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The connections parked at one public proxy. What is missing is asked for
 * in one call at a time; what the workers report meanwhile is made up for by
 * the next one.
 *
 * After a failure of a call the next one waits, with jitter, twice as long
 * each time; so it does when connections cannot be made or end soon after
 * they were parked, so that a public proxy that closes at once costs little.
 * A public proxy that does not know or not permit the method is asked again
 * after minutes, or when it has accepted announcements anew.
 */
#pragma once

#include "common/base/remote.h"
#include "common/base/table.h"
#include "user/private/demand.h"
#include "user/private/keeper.h"

struct keeper {
	struct event_base *base;
	struct private_service *service;
	struct keeper_settings settings;
	struct table lots; /* by the name of the public proxy */
	bool stopped;
};

/* One that waits there. */
struct parked_connection {
	unsigned worker;
	uint64_t connection;
	int64_t since; /* CLOCK_MONOTONIC, ms */
};

struct lot {
	struct table_link link;
	struct keeper *keeper;
	char *name;
	struct event *timer; /* what is missing is asked for when it fires */
	bool gathering;      /* the timer waits for more to ask for, not after a failure */
	struct event *calm;  /* ends a period of the demand */
	struct demand demand;
	struct parked_connection *parked; /* demand.waiting of them, room for settings.max */
	unsigned dialled;                 /* given to workers, but they do not wait yet */
	unsigned asked;                   /* in the call or look-up under way; 0: none is */
	struct remote remote;             /* the public proxy, as our calls find it */
	unsigned bounces;                 /* connections that did not last, since one that did */
	char *endpoint;                   /* that was dialled last, "host:port"; NULL: none was */
	json_t *directory;       /* entry of the public proxy; NULL: not known or not needed */
	int64_t directory_since; /* as clock_now_ms() tells */
	bool fresh;              /* it was asked for in this attempt */
	bool denied;             /* and our announcements will not change that */
};

int lot_new(struct keeper *keeper, const char *name, struct lot **ret);
void lot_free(struct lot *lot);

/* The public proxy has accepted announcements: ask for what is missing. */
void lot_accepted(struct lot *lot);

/* What a worker reports of its connection. */
void lot_came(struct lot *lot, unsigned worker, uint64_t connection);
void lot_lost(struct lot *lot, unsigned worker, uint64_t connection);
void lot_taken(struct lot *lot, unsigned worker, uint64_t connection);

/* What the directory told of this public proxy is asked for again. */
void lot_forget_directory(struct lot *lot);

/* How many are to be asked for now. */
unsigned lot_missing(const struct lot *lot);

/* How an attempt ends: with so many connections under way, … */
void lot_succeeded(struct lot *lot, unsigned given);
/* … with none, as it gives us no more now, … */
void lot_full(struct lot *lot);
/* … with a failure that may pass, … */
void lot_failed(struct lot *lot, const char *problem);
/* … or with one that will stay: until somebody changes something, or until our announcements are
 * known there. */
void lot_refused(struct lot *lot, const char *problem, bool for_good);
