/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the data path takes from the settings: immutable, and shared by
 * reference count. Each worker has a reference before its first connection;
 * MAIL_CONFIG brings another one, which counts for what comes next: new
 * connections, the next time-out of an old one, the next look at a stream.
 *
 * What a running process cannot change stands in `struct config_fixed`, and a
 * later config takes it over from the earlier: config_succeed().
 */
#pragma once

#include "common/base/addr.h"
#include "user/plane/stream.h"
#include "user/store/role.h"

#include <jansson.h>
#include <stdatomic.h>

#define LISTEN_ADDRS 4
#define MAX_WORKERS  256

enum send_proxy {
	SEND_PROXY_OFF,
	SEND_PROXY_V1,
	SEND_PROXY_V2,
};

/*
 * Listeners are bound and rate limits made once, by these; the sockmap is
 * loaded, with room for so many connections, or is not.
 */
struct config_fixed {
	enum proxy_role role;
	unsigned workers;
	struct addr public_listen[LISTEN_ADDRS]; /* public proxy only, as what follows */
	unsigned n_public_listen;
	struct addr internal_listen[LISTEN_ADDRS];
	unsigned n_internal_listen;
	json_t *public_rate_limits, *internal_rate_limits; /* references, or NULL */
	bool require_proxy_header; /* from a load balancer in front of the public listener */
	size_t log_backlog;        /* bytes */
};

struct config {
	atomic_uint references;
	struct config_fixed fixed;

	unsigned yield_at;
	struct plane_settings plane; /* but `forwarding` and `memory`, which listeners hand on */
	uint32_t connections;        /* of the process */
	uint32_t half_open, half_open_per_source, pending, pending_per_operator, dial_backs;
	uint32_t parked, parked_per_operator;
	uint64_t park_timeout;      /* ns */
	enum send_proxy send_proxy; /* to the internal server */
	uint64_t hello_timeout, token_timeout, accept_timeout, dial_timeout; /* ns */
	uint64_t shutdown_grace;                                             /* ns */
	int keepalive; /* s, 0: none; accepted sockets have what was so when listening began */
	bool anonymize_clients;
};

/*
 * From a checked tree, one reference. Resolves the listen addresses, which may
 * take seconds. -errno, and *ret_error names the key and what is wrong with it
 * (caller frees). The caller may still change it, until it hands it on.
 */
int config_new(const json_t *settings, enum proxy_role role, struct config **ret, char **ret_error);
const struct config *config_ref(const struct config *config);
void config_unref(const struct config *config); /* takes NULL; any thread */

/* `config`, still the caller's own, is to follow `running`: what is fixed stays as it is there. */
void config_succeed(struct config *config, const struct config *running);
