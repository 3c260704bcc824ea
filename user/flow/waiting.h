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

/* `operators`: the worker's, not owned. NULL: out of memory. */
struct waiting_room *waiting_room_new(struct operator_table *operators);
void waiting_room_free(struct waiting_room *room);
/* For those who come; whoever waits already stays. */
void waiting_room_limit(struct waiting_room *room, uint32_t most, uint32_t most_per_operator);

/* For the private proxy of this name, by connection->token_key. -EUSERS: too many wait, -EDQUOT:
 * too many for this one, -ENOMEM. */
int waiting_enter(struct waiting_room *room, const char *proxy, struct connection *connection);
void waiting_leave(struct waiting_room *room, struct connection *connection); /* if it is in */

/* NULL: nobody waits for this token. */
struct connection *waiting_find(struct waiting_room *room, const uint8_t key[TOKEN_KEY_BYTES]);
