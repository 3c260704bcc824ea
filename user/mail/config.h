/* SPDX-License-Identifier: BSD-2-Clause */
/* What the data path takes from the settings: read once at start, the same for all workers. */
#pragma once

#include "common/base/addr.h"
#include "user/plane/stream.h"
#include "user/store/role.h"

#include <jansson.h>

#define LISTEN_ADDRS 4

enum send_proxy {
	SEND_PROXY_OFF,
	SEND_PROXY_V1,
	SEND_PROXY_V2,
};

struct config {
	enum proxy_role role;
	unsigned workers, yield_at;
	struct addr public_listen[LISTEN_ADDRS]; /* public proxy only, as the next one */
	unsigned n_public_listen;
	struct addr internal_listen[LISTEN_ADDRS];
	unsigned n_internal_listen;
	const json_t *public_rate_limits, *internal_rate_limits; /* borrowed from the settings */

	struct plane_settings plane;
	uint32_t connections; /* of the process */
	uint32_t half_open, half_open_per_source, pending, pending_per_operator, dial_backs;
	uint32_t parked, parked_per_operator;
	uint64_t park_timeout;      /* ns */
	bool require_proxy_header;  /* from a load balancer in front of the public listener */
	enum send_proxy send_proxy; /* to the internal server */
	uint64_t hello_timeout, token_timeout, accept_timeout, dial_timeout; /* ns */
	uint64_t shutdown_grace;                                             /* ns */
	int keepalive;                                                       /* s, 0: none */
	size_t log_backlog;                                                  /* bytes */
	bool anonymize_clients;
};

/*
 * From a checked tree, which must outlive the config. Resolves the listen
 * addresses, which may take seconds. -errno, and *ret_error names the key and
 * what is wrong with it (caller frees).
 */
int config_read(const json_t *settings, enum proxy_role role, struct config *ret, char **ret_error);
