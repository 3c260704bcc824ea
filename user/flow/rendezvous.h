/* SPDX-License-Identifier: BSD-2-Clause */
/* State RENDEZVOUS: the private proxy that serves the name has been sent a notice with a token, and
 * dials back. */
#pragma once

#include "user/flow/state.h"
#include "user/wire/limits.h"

struct connection;
struct worker;

/* The name and its proxy are known. */
extern const struct state_ops state_rendezvous;

/* The control thread could not deliver the notice. */
void rendezvous_refused(struct worker *worker, uint64_t id, const char *reason);

/* A connection that bears a token of this worker. Takes the descriptor; a token counts once. */
void rendezvous_claimed(struct worker *worker, int fd, const uint8_t token[TOKEN_BYTES]);

/* MAIL_LENT: a parked connection for the connection with this token. Takes the descriptor. */
void rendezvous_lent(struct worker *worker, int fd, const uint8_t token[TOKEN_BYTES]);
