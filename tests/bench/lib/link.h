/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection of the load generator while it is made: TCP, then TLS, or a
 * ClientHello and the backend's word that it came through (protocol.h).
 */
#pragma once

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <sys/types.h>

struct target {
	struct sockaddr_in address;
	const char *name; /* server name */
	SSL_CTX *tls;     /* NULL: plain after the hello */
};

enum link_state {
	LINK_CLOSED,
	LINK_DIALLING,
	LINK_GREETING,
	LINK_OPEN,
};

struct link {
	enum link_state state;
	int fd;
	SSL *ssl;
	uint64_t begun;
	uint64_t first_byte; /* of the server, TLS only; ns, monotonic */
};

/* TLS 1.3 that checks the chain up to `ca` and resumes nothing. */
SSL_CTX *link_tls(const char *ca);

/* Begin. The descriptor is registered at `epoll`, edge-triggered, with `link` as its data. */
int link_dial(struct link *link, const struct target *target, int epoll);

/* After an event: 1 when the link is open, 0 when it needs more of them, or the error. */
int link_step(struct link *link, const struct target *target);

/* As read() and write(), but with a negative errno; -ECONNRESET also for an end too early. */
ssize_t link_read(struct link *link, void *buf, size_t n);
ssize_t link_write(struct link *link, const void *buf, size_t n);

void link_want(struct link *link, int epoll, uint32_t events); /* from now on level-triggered */
void link_close(struct link *link);

/* Open `n` links, 32 at a time; gives up (and ends the program) after `timeout` seconds. */
void links_open(struct link *links, unsigned n, const struct target *target, int epoll,
		unsigned timeout);
