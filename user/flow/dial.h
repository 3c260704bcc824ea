/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * State DIAL, of the private proxy: connect to the public proxy and show the
 * token, connect to the internal server, both at the same time. Dialled ahead,
 * only the first; and once such a connection is taken, only the second.
 */
#pragma once

#include "user/flow/state.h"

struct mail;
struct worker;

/* A mail's order is there (connection->dial), or the outer side is connected and the name known. */
extern const struct state_ops state_dial;

/* What a MAIL_DIAL asks for. The mail stays the caller's. */
void dial_begin(struct worker *worker, const struct mail *mail);

/* MAIL_PARK: connect to the public proxy alone, show the token, and wait in state AHEAD. Takes the
 * mail, in which the end of the connection will be told. */
void dial_ahead(struct worker *worker, struct mail *mail);

/* MAIL_INSIDE: where the inside is, or that there is none. */
void dial_answered(struct worker *worker, const struct mail *mail);
