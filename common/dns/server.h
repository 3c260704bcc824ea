/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One name server, asked through a c-ares channel of its own on the event
 * loop. c-ares 1.18 begins each query at the first server of its channel,
 * however long that one has been silent; with one channel a server, who is
 * asked is ours to choose, and what is known of a server outlives the query.
 */
#pragma once

#include "common/dns/resolv_conf.h"

#include <ares.h>
#include <event2/event.h>
#include <sys/queue.h>

struct server {
	TAILQ_ENTRY(server) entry;
	struct name_server name_server;
	char text[ADDR_TEXT_MAX];
	unsigned refs; /* questions that may ask it, and queries under way */
	/* Silent or closed: others go first until then, ns as clock_now() tells; 0: it answers. */
	uint64_t avoid_until;
	bool silence_told; /* the log knows */
	bool sending, closing;

	/* The rest is server.c's. */
	struct event_base *base;
	ares_channel channel;
	struct event *tick;
	unsigned asked; /* by c-ares */
	TAILQ_HEAD(, query) queue;
	LIST_HEAD(, server_socket) sockets;
};

/* `status` is of c-ares, `data` the answer's packet (borrowed), NULL if there was none. */
typedef void (*server_reply)(struct server *server, int status, const unsigned char *data,
			     int length, void *arg);

/* EDNS is used, and TCP after a truncated answer. 0, -ENOMEM. */
int server_new(struct event_base *base, const struct name_server *name_server, unsigned timeout_ms,
	       bool use_tcp, struct server **ret);
/* Queries under way are answered with ARES_EDESTRUCTION. Not from inside a reply. NULL is fine. */
void server_free(struct server *server);

/*
 * `name` as it is, no search; `type` is a DNS type. `reply` is called once,
 * maybe before return. Of many questions some wait in line: a server's socket
 * has room for a few hundred.
 */
void server_ask(struct server *server, const char *name, int type, server_reply reply, void *arg);
