/* SPDX-License-Identifier: BSD-2-Clause */
/* State RENDEZVOUS: the private proxy that serves the name has been sent a notice with a token, and
 * dials back. */
#pragma once

#include "user/mail/mailbox.h"

struct connection;
struct worker;

/* From PEEK, name and operator known: send for the private proxy, or refuse the client. */
void rendezvous_begin(struct connection *connection);

/* The control thread could not deliver the notice. */
void rendezvous_refused(struct worker *worker, uint64_t id, const char *reason);

/* A connection that bears a token of this worker. Takes the descriptor; a token counts once. */
void rendezvous_claimed(struct worker *worker, int fd, const uint8_t token[TOKEN_BYTES]);

/* MAIL_LENT: a parked connection for the connection with this token. Takes the descriptor. */
void rendezvous_lent(struct worker *worker, int fd, const uint8_t token[TOKEN_BYTES]);

/* Its token is of no use any more. Called by connection_move(). */
void rendezvous_forget(struct connection *connection);
