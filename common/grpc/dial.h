/* SPDX-License-Identifier: BSD-2-Clause */
/* A TLS connection to another relay: name, address after address, handshake, one deadline. */
#pragma once

#include <event2/bufferevent.h>
#include <openssl/ssl.h>

struct grpc_dial;
struct resolver;

/*
 * The end: a connected bufferevent through its handshake, which the callee
 * takes, or NULL and the reason.
 */
typedef void (*grpc_dial_done)(struct bufferevent *bev, const char *reason, void *arg);

/*
 * `operator` is sent as TLS server name. The certificate's chain is verified
 * as `tls` says; whose it is, is left to the caller. `done` is called once,
 * from the loop and never before return, unless cancelled. When no address
 * takes the connection, the name is asked for anew, and addresses that are new
 * are tried, too. -ENOMEM.
 */
int grpc_dial_start(struct event_base *base, struct resolver *resolver, SSL_CTX *tls,
		    const char *address, const char *operator, unsigned timeout_ms,
		    grpc_dial_done done, void *arg, struct grpc_dial **ret);
/* Not from inside `done`. NULL is fine. */
void grpc_dial_cancel(struct grpc_dial *dial);
