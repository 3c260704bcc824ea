/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One state machine for each public proxy, moved by one timer and one call
 * under way at most.
 *
 * While a public proxy is not reached, or its or our relay is not, the whole
 * list is sent again and again: after 0.2 s, then twice as long each time, up
 * to 1 s in the first minute, so that a restarted process is found again
 * within a second or two, and up to 30 s later, so that a long outage costs
 * nothing. Each wait is shortened at random by up to a half, so that many
 * private proxies do not come back in step.
 *
 * While it is reached, nobody tells us when it loses its announcements (its
 * datastore may be gone) or when a relay in between goes away. So every 10 s
 * it is asked for one of our announcements: a short question and a short
 * answer, for which the directory already gives private proxies the right
 * (an original ignores the filter and answers with its whole list; it is
 * right all the same). If the question fails or the announcement is missing,
 * all are sent at once. The whole list goes out every 10 minutes in any case.
 */
#pragma once

#include "common/base/remote.h"
#include "common/base/table.h"
#include "user/private/announcer.h"

#define PUBLIC_PROXY_AGAIN_MS (10 * 60 * 1000LL) /* the whole list, in any case */

struct public_proxy {
	struct table_link link;
	struct announcer *announcer;
	char *name;
	struct event *timer;
	bool calling;
	bool again;          /* something came up during the call */
	bool reached;        /* the last call was answered */
	bool probes_refused; /* the directory does not allow us to ask */
	struct remote remote;
	int64_t next_announce; /* CLOCK_MONOTONIC, ms */
	unsigned probe;        /* which announcement to ask for next */
	json_t *sent;          /* connections of the call under way, or the domain asked for */
};

struct announcer {
	struct event_base *base;
	const char *name;
	struct jsonrpc_client *client;
	struct announcements *announcements;
	struct table proxies; /* by name */
	bool started;
	void (*accepted)(const char *proxy, void *arg); /* may be NULL */
	void *accepted_arg;
};

/* For remote_init(). */
extern const struct remote_pace public_proxy_pace;

/* The timer's callback: do what is due. `arg` is the proxy. */
void public_proxy_turn(evutil_socket_t fd, short events, void *arg);
/* Let the timer fire in `ms`, unless the announcer has stopped. */
void public_proxy_wait(struct public_proxy *proxy, int64_t ms);
/* One announcement was accepted outside the announcer's own calls. */
void public_proxy_accepted(struct public_proxy *proxy);
