/* SPDX-License-Identifier: BSD-2-Clause */
/* "host:port" to addresses without blocking the loop: /etc/hosts and DNS, by libevent's resolver.
 */
#pragma once

#include "common/base/addr.h"

#include <event2/event.h>

#define NAME_LOOKUP_MAX 8

struct name_lookup;

/* n > 0 addresses (borrowed), or a negative errno: -ENOENT, the name is not known. */
typedef void (*name_lookup_done)(int n, const struct addr *addrs, void *arg);

/*
 * `done` is called once, from the loop and never before return, unless the
 * look-up is cancelled before. -EINVAL: not "host:port"; -ENOMEM.
 */
int name_lookup_start(struct event_base *base, const char *text, name_lookup_done done, void *arg,
		      struct name_lookup **ret);
/* Not from inside `done`, after which it is invalid anyway. NULL is fine. Its memory may be free
 * only NAME_LOOKUP_TURNS turns of the loop later. */
#define NAME_LOOKUP_TURNS 6
void name_lookup_cancel(struct name_lookup *lookup);
