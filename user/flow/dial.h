/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * State DIAL, of the private proxy: connect to the public proxy and show the
 * token, connect to the internal server, both at the same time.
 */
#pragma once

#include "user/mailbox.h"

struct connection;
struct dial;
struct worker;

/* What a MAIL_DIAL asks for. The mail stays the caller's. */
void dial_begin(struct worker *worker, const struct mail *mail);

/* MAIL_PARK: connect to the public proxy alone, show the token, and wait in state AHEAD. */
void dial_ahead(struct worker *worker, const struct mail *mail);

/* A connection that was dialled ahead has been taken: wait for the inside's address. -ENOMEM. */
int dial_resume(struct connection *connection);

/* MAIL_INSIDE: where the inside is, or that there is none. */
void dial_answered(struct worker *worker, const struct mail *mail);

/* After dial_resume(): connect to the internal server, `n` > 0 addresses. */
void dial_inside(struct connection *connection, const struct addr *addrs, unsigned n);

/* The connection is being closed. */
void dial_cancel(struct connection *connection);
void dial_free(struct dial *dial); /* takes NULL */
