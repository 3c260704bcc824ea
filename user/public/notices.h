/* SPDX-License-Identifier: BSD-2-Clause */
/* Tells a private proxy, through the relays, that a connection waits for it: incomingConnection. */
#pragma once

#include "common/base/table.h"
#include "common/jsonrpc/client.h"
#include "user/mail/crew.h"

/*
 * A private proxy that does not answer holds a connection to the relay for each
 * of its notices, as long as clients wait. So those of one private proxy stand
 * in a line of their own, of which only the first few have been sent.
 */
struct notices {
	struct jsonrpc_client *client; /* the own relay */
	struct crew *crew;
	const char *endpoint;   /* where the private proxy shall dial */
	unsigned timeout_ms;    /* accept_timeout: nobody waits longer for the answer */
	unsigned max;           /* sent or in line; more are refused */
	unsigned sent_per_line; /* at once, and not answered */
	unsigned under_way;     /* sent or in line */
	struct table lines;     /* by operator; table_init() is the caller's */
};

/*
 * Takes the mail (MAIL_NOTICE). When nobody will dial back, the worker that
 * sent it gets MAIL_NOTICE_REFUSED with the reason; it logs that.
 */
void notices_send(struct notices *notices, struct mail *mail);

/* Forget those in line, and the table. The client has been freed before. */
void notices_clear(struct notices *notices);
