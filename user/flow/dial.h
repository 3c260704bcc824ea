/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * State DIAL, of the private proxy: connect to the public proxy and show the
 * token, connect to the internal server, both at the same time.
 */
#pragma once

#include "user/mail/mailbox.h"

struct connection;
struct dial;
struct worker;

/* What a MAIL_DIAL asks for. The mail stays the caller's. */
void dial_begin(struct worker *worker, const struct mail *mail);

/* MAIL_PARK: connect to the public proxy alone, show the token, and wait in state AHEAD. */
void dial_ahead(struct worker *worker, const struct mail *mail);

/* A connection that was dialled ahead has been taken: connect to the internal server, at `n`
 * addresses; 0: the control thread is asked for them, and dial_answered() brings them. It may have
 * become a pair, or be closed, before this returns. -ENOMEM. */
int dial_resume(struct connection *connection, const struct addr *addrs, unsigned n);

/* MAIL_INSIDE: where the inside is, or that there is none. */
void dial_answered(struct worker *worker, const struct mail *mail);

/* The connection is being closed. */
void dial_cancel(struct connection *connection);
void dial_free(struct dial *dial); /* takes NULL */
