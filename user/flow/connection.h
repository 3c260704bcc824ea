/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection and its states. Each state is a list of the worker and a file
 * of this folder; connection_move() is the one function that moves a
 * connection from one to the next.
 *
 *   public proxy:   PEEK → RENDEZVOUS → PAIR → CLOSED
 *                     ↘        ↓
 *                       REFUSE → CLOSED
 *   with a parked connection: PEEK → PAIR → CLOSED
 *   private proxy:  DIAL → PAIR → CLOSED
 *   dialled ahead:  DIAL → AHEAD → DIAL → PAIR → CLOSED
 */
#pragma once

#include "common/base/addr.h"
#include "common/loop/timer.h"
#include "user/plane/stream.h"
#include "user/wire/limits.h"

#include <stdint.h>
#include <sys/queue.h>

struct dial;
struct proxy_reader;
struct worker;

enum connection_state {
	CONNECTION_PEEK,       /* the ClientHello is arriving: peek.c */
	CONNECTION_RENDEZVOUS, /* the private proxy has been sent for: rendezvous.c */
	CONNECTION_DIAL,       /* connecting to both sides: dial.c */
	CONNECTION_AHEAD,      /* dialled ahead, waits to be taken: ahead.c */
	CONNECTION_PAIR,       /* bytes flow: pair.c */
	CONNECTION_REFUSE,     /* an alert has been sent, the client may read it: refuse.c */
	CONNECTION_CLOSED,     /* freed at the end of the loop's turn: close.c */
	CONNECTION_STATES,
};

/* stream.ends[0] is the side of the internet, ends[1] the side of the internal server. */
enum {
	SIDE_OUTSIDE = 0,
	SIDE_INSIDE = 1,
};

/* The client as a PROXY header told it. */
struct origin {
	struct addr source, destination;
};

struct connection {
	TAILQ_ENTRY(connection) in_state;
	LIST_ENTRY(connection) in_waiting;  /* while it waits for its dial-back … */
	struct operator_entry *waiting_for; /* … of this private proxy */
	LIST_ENTRY(connection) in_ids;      /* while it waits for the control thread */
	struct worker *worker;
	enum connection_state state;
	uint64_t id;
	uint64_t began; /* ns */
	struct timer deadline;
	struct stream stream;
	struct origin *origin; /* NULL: the client is the peer of the outer socket, or not known */
	struct dial *dial;     /* state DIAL only */
	struct proxy_reader *proxy_reader; /* state PEEK only, while its PROXY header arrives */
	char *name;                        /* server name, NULL until known */
	char *operator; /* who serves it, or whose public proxy it came through */
	char *peer_id;  /* private, dialled ahead: what the public proxy's log calls it; or NULL */
	char client[ADDR_TEXT_MAX]; /* for the log, anonymised if the settings say so */
	uint32_t source;            /* of the count of half-open connections */
	uint32_t peek_mark;         /* state PEEK only: SO_RCVLOWAT, 0 for the usual */
	bool counts_half_open;
	bool has_id;         /* in the worker's table of ids */
	bool ahead;          /* dialled ahead and not taken yet: the control thread counts it */
	bool proxied;        /* its PROXY header, where one is required, has been read */
	const char *refusal; /* state REFUSE only: why, a constant */
	uint8_t token_key[TOKEN_KEY_BYTES]; /* keyed hash of the token: state RENDEZVOUS only */
};

TAILQ_HEAD(connection_list, connection);

/* In `state`, with nothing else set. NULL: out of memory, or over the limit of connections. */
struct connection *connection_new(struct worker *worker, enum connection_state state);

/* The one way into another state. Any state may go to CLOSED; another move that is not in the
 * picture above is a bug, and aborts. */
void connection_move(struct connection *connection, enum connection_state state);

/* Its ClientHello names somebody: it is no stranger any more. */
void connection_not_half_open(struct connection *connection);

/* Close what is open (with RST if `reset`), log the one line, and free at the end of the turn. */
void connection_close(struct connection *connection, bool reset, const char *reason);

/* Whose stream's end this is. */
struct connection *connection_of_watch(struct watch *watch);

/* A connection that was dialled ahead is silent for minutes. Probes find dead ones, and keep a NAT
 * on the way from forgetting it. */
#define PROBE_AHEAD_S 15

/* Free those that were closed in this turn. */
void connection_bury(struct worker *worker);

/* Text for the log: anonymised where the settings say so. */
void connection_set_client(struct connection *connection, const struct addr *client);
/* The client as a PROXY header tells it. -ENOMEM. */
int connection_set_origin(struct connection *connection, const struct addr *source,
			  const struct addr *destination);
/* -ENOMEM */
int connection_set_name(struct connection *connection, const char *name, const char *operator);
