/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The public proxy's parked connections: dialled ahead by private proxies, so
 * that a client need not wait for a rendezvous. Each worker has its own.
 */
#pragma once

#include "user/wire/limits.h"

#include <stdbool.h>
#include <stdint.h>

struct mail;
struct operator_table;
struct parking;
struct worker;

/* `operators`: the worker's, not owned. NULL: out of memory. */
struct parking *parking_new(struct operator_table *operators);
void parking_free(struct parking *parking); /* after park_close_all() and park_bury(); takes NULL */
/* For those that come. `most`: parked ones and reservations, of this worker. */
void parking_limit(struct parking *parking, uint32_t most, uint32_t most_per_operator);
void park_close_all(struct worker *worker);
/* Free those that ended in this turn. */
void park_bury(struct worker *worker);

/* MAIL_RESERVATION: who shows this token in time may park. The mail stays the caller's. */
void park_reserve(struct worker *worker, const struct mail *mail);

/*
 * A connection bears a token with this hash. True: it was reserved, and the
 * descriptor is taken.
 */
bool park_claimed(struct worker *worker, int fd, const uint8_t key[TOKEN_KEY_BYTES]);

/* A living parked connection of this operator, owned by the caller; -1: none. */
int park_take(struct worker *worker, const char *name);

/* A worker that has parked connections, though maybe not of the right operator; −1: no other one.
 */
int park_neighbour(const struct worker *worker);

/*
 * MAIL_BORROW from another worker: the mail goes back as MAIL_LENT, or, when
 * there is none here either, on to the control thread as the notice that it
 * would have been. Takes the mail, and needs no other.
 */
void park_lend(struct worker *worker, struct mail *mail);
