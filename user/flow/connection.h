/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection: its two sockets, who it is for, and the state it is in.
 * connection_move() is the one function that moves it to another state; what
 * the next state needs is put into the connection before.
 */
#pragma once

#include "common/base/addr.h"
#include "common/base/table.h"
#include "common/loop/timer.h"
#include "user/flow/ending.h"
#include "user/flow/state.h"
#include "user/plane/stream.h"
#include "user/wire/limits.h"

#include <stdint.h>
#include <sys/queue.h>

struct dial;
struct mail;
struct operator_entry;
struct proxy_reader;
struct worker;

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
	struct table_link by_token;         /* while it waits for its dial-back: waiting.c … */
	struct operator_entry *waiting_for; /* … of this private proxy */
	struct table_link by_id;            /* while it waits for the control thread: ids.c */
	struct worker *worker;
	enum connection_state state;
	uint64_t id;
	uint64_t began; /* ns */
	struct timer deadline;
	struct stream stream;
	struct origin *origin; /* NULL: the client is the peer of the outer socket, or not known */
	struct dial *dial;     /* state DIAL only */
	struct proxy_reader *proxy_reader; /* state PEEK only, while its PROXY header arrives */
	struct mail *news; /* dialled ahead: the order for it, in which its end will be told */
	char *name;        /* server name, NULL until known */
	char *proxy;       /* the other one, by its operator: who serves the name, or whose public
			      proxy the connection came through */
	char *peer_id; /* private, dialled ahead: what the public proxy's log calls it; or NULL */
	char client[ADDR_TEXT_MAX]; /* for the log, anonymised if the settings say so */
	uint32_t source;            /* of the count of half-open connections */
	uint32_t peek_mark;         /* state PEEK only: SO_RCVLOWAT, 0 for the usual */
	bool counts_half_open;
	bool has_id;        /* in the worker's table of ids */
	bool ahead;         /* dialled ahead and not taken yet: the control thread counts it */
	bool header_read;   /* its PROXY header, where one is required */
	bool by_parked;     /* a connection that was dialled ahead is its inner side */
	bool paired;        /* has been in state PAIR: its bytes count */
	bool reset;         /* for CLOSED: end with RST */
	uint8_t alert;      /* for REFUSE */
	enum ending ending; /* for REFUSE and CLOSED */
	uint8_t token_key[TOKEN_KEY_BYTES]; /* keyed hash of the token: state RENDEZVOUS only */
};

/* In state NEW, with nothing else set. NULL: out of memory, or over the limit of connections. */
struct connection *connection_new(struct worker *worker);

/* The one way into another state: leaves the one, enters the other. When it returns, the connection
 * may have gone further already. A move that the state does not know is a bug, and aborts. */
void connection_move(struct connection *connection, enum connection_state state);

/* Close what is open (with RST if `reset`), log the one line, and free at the end of the turn. */
void connection_close(struct connection *connection, bool reset, enum ending ending);

/* Tell the client by a fatal TLS alert, then close. From PEEK or RENDEZVOUS. */
void connection_refuse(struct connection *connection, uint8_t alert, enum ending ending);

#define ALERT_INTERNAL_ERROR    80  /* the name is known, but nobody answers for it */
#define ALERT_UNRECOGNIZED_NAME 112 /* RFC 6066 section 3 */

/* Watch one side for its state's ready(): events as for watch_set(). -errno. */
int connection_watch(struct connection *connection, int side, uint32_t events);

/* Its state's deadline() is called then (monotonic, ns), unless it moves before. */
void connection_arm(struct connection *connection, uint64_t due);

/* A connection that was dialled ahead is silent for minutes. Probes find dead ones, and keep a NAT
 * on the way from forgetting it. */
#define PROBE_AHEAD_S 15

/* Its ClientHello names somebody: it is no stranger any more. */
void connection_not_half_open(struct connection *connection);

/* Free those that were closed in this turn. */
void connection_bury(struct worker *worker);

/* Text for the log: anonymised where the settings say so. */
void connection_set_client(struct connection *connection, const struct addr *client);
/* The client as a PROXY header tells it. -ENOMEM. */
int connection_set_origin(struct connection *connection, const struct addr *source,
			  const struct addr *destination);
/* -ENOMEM. `proxy`: NULL when nobody serves the name. */
int connection_set_name(struct connection *connection, const char *name, const char *proxy);
