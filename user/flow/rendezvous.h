/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * State RENDEZVOUS: the name has been found, the private proxy that serves it
 * has been sent a notice with a token, and dials back.
 */
#pragma once

#include "user/mailbox.h"

struct connection;
struct waiting_room;
struct worker;

/* Connections by token (by id: ids.h); one room a worker, so that no look-up takes a lock. */
struct waiting_room *waiting_room_new(uint32_t most); /* NULL: out of memory */
void waiting_room_free(struct waiting_room *room);

/* From PEEK: look `name` up and send for its private proxy, or refuse the client. */
void rendezvous_begin(struct connection *connection, const char *name);

/* The control thread could not deliver the notice. */
void rendezvous_refused(struct worker *worker, uint64_t id, const char *reason);

/* A connection that bears a token of this worker. Takes the descriptor; a token counts once. */
void rendezvous_claimed(struct worker *worker, int fd, const uint8_t token[TOKEN_BYTES]);

/* MAIL_LENT: a parked connection for the connection with this token. Takes the descriptor. */
void rendezvous_lent(struct worker *worker, int fd, const uint8_t token[TOKEN_BYTES]);

/* Its token is of no use any more. Called by connection_move(). */
void rendezvous_forget(struct connection *connection);
