/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where this private proxy dials: not whatever a message names, but what the
 * settings or the directory give for that public proxy. Pure.
 */
#pragma once

#include "user/wire/caller.h"

#include <stdbool.h>

/* Whether the settings' list names this proxy: then the directory is not asked. */
bool endpoints_configured(const json_t *public_proxies, const char *name);

/*
 * Settings first: `public_proxies` is the settings' list of {name, endpoints}
 * (may be NULL); a proxy that it names is bound to its endpoints. Otherwise
 * the directory: the endpoint that the caller's entry gives as setting
 * internal_endpoint of service "proxy", or any port of the host on which its
 * relay can be reached (channel grpc_server).
 * 0, -EINVAL: no host:port, -EACCES: not allowed.
 */
int endpoints_check(const json_t *public_proxies, const struct caller *caller,
		    const char *endpoint);
