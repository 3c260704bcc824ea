/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Listening sockets of the control plane on a libevent loop: TCP, for all
 * addresses of a name, or one Unix socket.
 */
#pragma once

#include "common/base/addr.h"

#include <event2/event.h>
#include <jansson.h>

struct listener;
struct unix_socket;

/* A new connection, non-blocking and close-on-exec; `fd` belongs to the callee. */
typedef void (*listener_accept)(int fd, const struct addr *peer, void *arg);

/*
 * Listen on `bind_address` ("localhost:5544": both loopbacks, where IPv6 may
 * be missing). `rate_limits`: a checked `tcp_rate_limits` list or NULL;
 * connections over it are closed. On failure -errno, and *ret_error names
 * address and reason (caller frees).
 */
int listener_new(struct event_base *base, const char *bind_address, const json_t *rate_limits,
		 listener_accept accept, void *arg, struct listener **ret, char **ret_error);
/*
 * The same on a Unix socket. `peer` is then an address of AF_UNIX without a
 * name. There are no rate limits: all its askers are one source.
 */
int listener_new_unix(struct event_base *base, const struct unix_socket *unix_socket,
		      listener_accept accept, void *arg, struct listener **ret, char **ret_error);
void listener_free(struct listener *listener);

bool listener_is_loopback(const struct listener *listener); /* every address is */
const char *listener_name(const struct listener *listener); /* as in the settings */
/* The one bound, also for port 0; 0 for a Unix socket. */
uint16_t listener_port(const struct listener *listener);
