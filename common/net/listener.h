/* SPDX-License-Identifier: BSD-2-Clause */
/* Listening TCP sockets of the control plane on a libevent loop, for all addresses of a name. */
#pragma once

#include "common/base/addr.h"

#include <event2/event.h>
#include <jansson.h>

struct listener;

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
void listener_free(struct listener *listener);

bool listener_is_loopback(const struct listener *listener); /* every address is */
const char *listener_name(const struct listener *listener); /* as in the settings */
uint16_t listener_port(const struct listener *listener);    /* the one bound, also for port 0 */
