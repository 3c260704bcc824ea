/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a private proxy answers: announceConnection, withdrawConnection and
 * getAnnouncements for those who run services behind it, incomingConnection
 * for public proxies.
 */
#pragma once

#include "common/dns/resolver.h"
#include "common/jsonrpc/client.h"
#include "common/jsonrpc/server.h"
#include "user/mail/crew.h"
#include "user/private/announcer.h"
#include "user/store/announcements.h"

/* announceConnection and withdrawConnection wait for the public proxy as long as this. */
#define PRIVATE_CALL_MS 10000

struct private_service {
	const char *name; /* own */
	struct announcements *announcements;
	struct jsonrpc_client *client; /* the own relay */
	struct announcer *announcer;
	struct resolver *resolver;
	struct crew *crew;
	const char *internal_address; /* "host:port", unless an announcement has its own */
	const json_t *public_proxies; /* of the settings, may be NULL */
	unsigned max_calls;           /* announcements and withdrawals under way */
	unsigned max_dials;           /* incoming connections whose addresses are being resolved */
	unsigned calls, dials;        /* how many there are now */
	bool stopping;                /* no more notices are taken */
};

void private_service_call(struct private_service *service, struct jsonrpc_call *call);
