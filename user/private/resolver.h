/* SPDX-License-Identifier: BSD-2-Clause */
/* Names to addresses on the control thread's loop, without blocking it, with a short memory. */
#pragma once

#include "common/base/addr.h"

#include <event2/event.h>

struct resolver;

/*
 * `n` > 0 addresses, or a negative errno: -EINVAL no host:port, -ENOENT the
 * name does not resolve, -EAGAIN too many look-ups under way, -ECANCELED the
 * resolver is being freed, -ENOMEM. Called exactly once, maybe before
 * resolver_lookup() returns; `list` is borrowed.
 */
typedef void (*resolver_done)(int n, const struct addr *list, void *arg);

int resolver_new(struct event_base *base, struct resolver **ret);
/* Runs a few turns of the loop if look-ups are under way, to end them with -ECANCELED. */
void resolver_free(struct resolver *resolver);
void resolver_lookup(struct resolver *resolver, const char *endpoint, resolver_done done,
		     void *arg);
