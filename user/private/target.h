/* SPDX-License-Identifier: BSD-2-Clause */
/* Between which two addresses a connection goes: what notices and parked connections share. */
#pragma once

#include "user/private/service.h"
#include "user/wire/caller.h"

/*
 * The internal server, "host:port", for a server name in lower case at this
 * public proxy: that of the unexpired announcement of the exact name, then of
 * the wildcard. NULL: there is none. Borrowed.
 */
const char *target_inside(const struct private_service *service, const char *domain,
			  const char *proxy);

/* endpoints_check(), and a refusal is logged with what to do about it. */
bool target_allowed(const struct private_service *service, const struct caller *proxy,
		    const char *endpoint);

/*
 * What the resolver found, up to ENDPOINT_ADDRS of it. False if nothing, which
 * is logged with the connection's domain ("": none yet) and public proxy.
 */
bool target_addresses(const char *domain, const char *proxy, const char *endpoint,
		      const struct resolver_answer *answer, struct addr ret[ENDPOINT_ADDRS],
		      unsigned *ret_n);
