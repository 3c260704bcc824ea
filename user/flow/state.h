/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The states of a connection, and what each of them does. A state is one file
 * and one struct of functions; connection_move() in connection.c calls them. A
 * state names the next one and knows no other's file.
 *
 *   public proxy:   PEEK → RENDEZVOUS → PAIR → CLOSED
 *                     ↘        ↓
 *                       REFUSE → CLOSED
 *   with a parked connection: PEEK → PAIR → CLOSED
 *   private proxy:  DIAL → PAIR → CLOSED
 *   dialled ahead:  DIAL → AHEAD → DIAL → PAIR → CLOSED
 */
#pragma once

#include <stdint.h>
#include <sys/queue.h>

struct connection;

enum connection_state {
	CONNECTION_NEW,        /* not begun, for a moment */
	CONNECTION_PEEK,       /* the ClientHello is arriving: peek.c */
	CONNECTION_RENDEZVOUS, /* the private proxy has been sent for: rendezvous.c */
	CONNECTION_DIAL,       /* connecting to both sides: dial.c */
	CONNECTION_AHEAD,      /* dialled ahead, waits to be taken: ahead.c */
	CONNECTION_PAIR,       /* bytes flow: pair.c */
	CONNECTION_REFUSE,     /* an alert has been sent, the client may read it: refuse.c */
	CONNECTION_CLOSED,     /* freed at the end of the loop's turn: closed.c */
	CONNECTION_STATES,
};

TAILQ_HEAD(connection_list, connection);

#define TO(state) (1u << (state))

/* A function that is NULL has nothing to do. */
struct state_ops {
	const char *name;
	unsigned next; /* TO() each state that may follow; CLOSED may follow any */
	/* The connection is in this state now, and has what the state needs. May move it on. */
	void (*enter)(struct connection *connection);
	/* On its way to another state: what is of no use there goes. Moves nothing. */
	void (*leave)(struct connection *connection);
	/* The socket of this side, watched by connection_watch(), has something to tell. */
	void (*ready)(struct connection *connection, int side, uint32_t events);
	/* What connection_arm() was told has come. */
	void (*deadline)(struct connection *connection);
	/* The worker is to stop. NULL: the connection may go on until the grace is over. */
	void (*stop)(struct connection *connection);
};

/* By enum connection_state. In states.c, the one file that knows all of them. */
extern const struct state_ops *const state_table[CONNECTION_STATES];
