/* SPDX-License-Identifier: BSD-2-Clause */
/* Tells a private proxy, through the relays, that a connection waits for it: incomingConnection. */
#pragma once

#include "common/jsonrpc_client.h"
#include "user/crew.h"

struct notices {
	struct jsonrpc_client *client; /* the own relay */
	struct crew *crew;
	const char *endpoint; /* where the private proxy shall dial */
	unsigned timeout_ms;  /* accept_timeout: nobody waits longer for the answer */
	unsigned max;         /* under way at once; more are refused */
	unsigned under_way;
};

/*
 * Takes the mail (MAIL_NOTICE). When nobody will dial back, the worker that
 * sent it gets MAIL_NOTICE_REFUSED with the reason; it logs that.
 */
void notices_send(struct notices *notices, struct mail *mail);
