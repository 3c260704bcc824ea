/* SPDX-License-Identifier: BSD-2-Clause */
/* What the grpc_client channel's files share: peers, their connections, and streams lent to them.
 */
#pragma once

#include "common/grpc/session.h"
#include "relay/bus/broker.h"
#include "relay/channel/grpc/identity.h"

#include <event2/event.h>
#include <sys/queue.h>

#define GRPC_OFFERED_CONCURRENCY 64 /* requests that this side takes at once on a stream */

struct grpc_client;
struct grpc_delivery_out;
struct grpc_dial;
struct grpc_peer;

/* A connection to a peer: the current one, or one that the peer wants to be rid of (GOAWAY). */
struct grpc_link {
	LIST_ENTRY(grpc_link) link;
	struct grpc_peer *peer;
	struct grpc_session *session;
	struct grpc_identity identity;
	uint64_t since_ms;
	unsigned n_streams; /* reverse streams on it */
	bool fewer;         /* it has been told that these are not all that the settings ask for */
};

LIST_HEAD(grpc_link_list, grpc_link);
TAILQ_HEAD(grpc_waiting_list, grpc_delivery_out);

/* A relay that can be dialled. */
struct grpc_peer {
	LIST_ENTRY(grpc_peer) link;
	struct grpc_client *client;
	char *operator;
	char *address;
	bool lends;     /* it gets streams */
	bool mentioned; /* by the directory, in the round under way */
	struct grpc_dial *dial;
	struct grpc_link *current; /* NULL: not connected */
	struct grpc_link_list old;
	struct event *retry;
	unsigned pause_ms; /* before the next attempt */
	unsigned ping_interval_ms;
	uint64_t last_attempt_ms, last_alive_ms;
	bool complained; /* its failure is in the log already */
	struct grpc_waiting_list waiting;
	unsigned n_waiting;
};

LIST_HEAD(grpc_peer_list, grpc_peer);

struct grpc_client {
	struct channel channel; /* first */
	SSL_CTX *tls;
	const char *call_path, *server_call_path;
	unsigned streams;
	unsigned reconnect_min_ms, reconnect_max_ms;
	struct event *evaluate;
	struct grpc_peer_list peers;
};

/* peer.c */
int grpc_peer_new(struct grpc_client *client, const char *operator, const char * address,
		  struct grpc_peer **ret);
/* Messages under way are ended with `reason`. */
void grpc_peer_free(struct grpc_peer *peer, const char *reason);
/* After a change of settings or directory: connect or open streams if that is to be. */
void grpc_peer_ensure(struct grpc_peer *peer);
/* Close what leads to an address or a certificate that is no longer the peer's. */
void grpc_peer_disconnect(struct grpc_peer *peer, const char *reason);
/* The peer does what it should: the next failure is a first one again. */
void grpc_peer_thrives(struct grpc_peer *peer);
/* A stream has ended while its connection goes on. */
void grpc_peer_stream_lost(struct grpc_link *link, const char *reason);

/* call_out.c */
void grpc_call_out(struct grpc_peer *peer, const struct message *message, message_done done,
		   void *arg);
/* The peer is connected: send what waited. Or it cannot be: end it. */
void grpc_call_out_waiting(struct grpc_peer *peer);
void grpc_call_out_fail(struct grpc_peer *peer, const char *reason);

/* reverse.c: lend the peer one more stream. */
int grpc_reverse_open(struct grpc_link *link);
