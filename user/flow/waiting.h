/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The connections of one worker that wait for their dial-back, by token. One
 * room a worker, so that no look-up takes a lock. Limited in all and for each
 * private proxy: one that does not come must not keep the clients of others out.
 */
#pragma once

#include "user/flow/connection.h"
#include "user/flow/operators.h"

#include <stdint.h>

struct waiting_room;

struct waiting_room *waiting_room_new(uint32_t most, uint32_t most_per_operator); /* or NULL */
void waiting_room_free(struct waiting_room *room);

/* By connection->token_key. -EUSERS: too many wait, -EDQUOT: too many for this operator. */
int waiting_enter(struct waiting_room *room, struct operator_entry *operator,
		  struct connection * connection);
void waiting_leave(struct waiting_room *room, struct connection *connection);

/* NULL: nobody waits for this token. */
struct connection *waiting_find(struct waiting_room *room, const uint8_t key[TOKEN_KEY_BYTES]);
