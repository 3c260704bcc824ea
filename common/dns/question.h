/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One name asked for one type of address, A or AAAA, at one server after the
 * other. A server that takes its time is not given up, but the next one is
 * asked beside it; whichever answers first counts.
 */
#pragma once

#include "common/dns/servers.h"

#define DNS_REASON_MAX 320

struct question;

struct question_result {
	int status; /* of c-ares: ARES_SUCCESS, ARES_ENODATA, ARES_ENOTFOUND, or no answer */
	unsigned n; /* with ARES_SUCCESS at least one */
	struct addr *addrs;          /* without a port */
	unsigned ttl;                /* s */
	char reason[DNS_REASON_MAX]; /* of a failure: who said so, and how long it took */
};

/* `result` is borrowed; what it holds may be taken. The question is freed by its owner. */
typedef void (*question_done)(struct question_result *result, void *arg);

/* `name` in full; at most `max` addresses count. `done` is called once, never before return. */
int question_new(struct event_base *base, struct servers *servers, const char *name, int type,
		 unsigned max, question_done done, void *arg, struct question **ret);
/* Also from inside `done`, and before it, which then is not called. NULL is fine. */
void question_free(struct question *question);

/* A name server has said that there is no such name, or no such address of it. */
bool question_denied(const struct question_result *result);
