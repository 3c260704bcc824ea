/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who sent a request: `_client`, which the own relay adds to the parameters.
 * It is worth as much as the connection that it came over, which the JSON-RPC
 * server has checked.
 */
#pragma once

#include <jansson.h>

struct caller {
	const char *name;    /* operator */
	const json_t *entry; /* its directory entry, an object */
};

/* All fields stay owned by `params`. -EINVAL: missing or malformed. */
int caller_parse(const json_t *params, struct caller *ret);

/*
 * The directory's settings of service "proxy" for the proxy `name`: the first
 * record whose operator is `name` or empty. NULL: there are none.
 */
const json_t *caller_proxy_settings(const struct caller *caller, const char *name);

/* Settings of the entry's channel `type`, NULL if there is no such channel. */
const json_t *caller_channel(const struct caller *caller, const char *type);
