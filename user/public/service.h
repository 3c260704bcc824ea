/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a public proxy answers: announceConnections, getAnnouncements,
 * withdrawConnection and reserveConnections. Each operator has its own announcements; whoever holds
 * an unexpired one for a domain keeps it.
 *
 * Only equal names are in conflict. "www.example.org" may be announced under
 * another operator's "*.example.org" and the other way round, if the directory
 * allows both operators these names; the exact one is found first.
 */
#pragma once

#include "common/jsonrpc/server.h"
#include "user/mail/crew.h"
#include "user/public/reservations.h"
#include "user/store/announcements.h"

struct public_service {
	const char *name; /* own */
	struct announcements *announcements;
	void (*changed)(void *arg); /* after each commit that changed something */
	void *arg;

	/* Of reserveConnections. */
	struct crew *crew;
	struct reservations *reservations;
	const char *endpoint; /* where private proxies dial */
	unsigned valid_ms;    /* how long a token is good for */
	unsigned next_worker; /* any number; each in turn gets the next token */
	bool stopping;        /* give no more */
};

void public_service_call(struct public_service *service, struct jsonrpc_call *call);
