// SPDX-License-Identifier: BSD-2-Clause
#include "user/mail/config.h"

#include "common/base/clock.h"
#include "common/base/descriptors.h"
#include "common/base/error.h"
#include "common/settings/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Descriptors that are no connection's: listeners, maps, control connections, log. Pipes, parked
 * connections and dial-backs may use up what is left; accept() then waits until some have ended.
 */
#define OTHER_DESCRIPTORS 256
#define DESCRIPTORS_MOST  (4 * 1024 * 1024)

static uint64_t duration(const json_t *settings, const char *path)
{
	return (uint64_t)settings_integer(settings, path) * NS_PER_MS;
}

static uint32_t count(const json_t *settings, const char *path)
{
	return (uint32_t)settings_integer(settings, path);
}

/* Each connection takes two. */
static uint32_t connections_by_descriptors(void)
{
	uint64_t limit = descriptors_limit();

	if (limit == 0)
		return 512;
	if (limit > DESCRIPTORS_MOST)
		limit = DESCRIPTORS_MOST;
	if (limit < 2 * OTHER_DESCRIPTORS)
		return OTHER_DESCRIPTORS / 2;
	return (uint32_t)(limit - OTHER_DESCRIPTORS) / 2;
}

static int listen_addresses(const json_t *settings, const char *key, struct addr *ret,
			    unsigned *ret_n, char **ret_error)
{
	const char *text = settings_string(settings, key);
	int n = text ? addr_resolve(text, ret, LISTEN_ADDRS) : -EINVAL;

	if (n >= 0) {
		*ret_n = (unsigned)n;
		return 0;
	}
	return error_set(ret_error, n, "%s: '%s' %s", key, text ? text : "",
			 n == -ENOENT ? "does not resolve; give an address of this machine"
				      : "is no host:port");
}

static enum stream_forwarding forwarding(const char *name)
{
	if (strcmp(name, "sockmap") == 0)
		return FORWARD_SOCKMAP;
	if (strcmp(name, "splice") == 0)
		return FORWARD_SPLICE;
	return strcmp(name, "copy") == 0 ? FORWARD_COPY : FORWARD_AUTO;
}

static enum send_proxy send_proxy(const char *name)
{
	if (strcmp(name, "v1") == 0)
		return SEND_PROXY_V1;
	return strcmp(name, "v2") == 0 ? SEND_PROXY_V2 : SEND_PROXY_OFF;
}

static struct auto_rules rules(const json_t *settings)
{
	return (struct auto_rules){
		.sockmap_after = duration(settings, "auto.sockmap_after"),
		.burst_length = duration(settings, "auto.burst_length"),
		.bulk_bytes = count(settings, "auto.bulk_bytes"),
		.bulk_spills = count(settings, "auto.bulk_spills"),
		.busy_percent = count(settings, "auto.busy_percent"),
		.calm_percent = count(settings, "auto.calm_percent"),
	};
}

static unsigned workers(const json_t *settings)
{
	long long n = settings_integer(settings, "workers");

	if (n == 0)
		n = sysconf(_SC_NPROCESSORS_ONLN);
	if (n < 1)
		n = 1;
	return n > MAX_WORKERS ? MAX_WORKERS : (unsigned)n;
}

/* Of the public proxy alone. */
static int read_public(const json_t *settings, struct config *config, char **ret_error)
{
	struct config_fixed *fixed = &config->fixed;

	config->park_timeout = duration(settings, "public.park_timeout");
	config->accept_timeout = duration(settings, "public.accept_timeout");
	fixed->require_proxy_header =
		strcmp(settings_string(settings, "public.proxy_protocol"), "required") == 0;
	fixed->public_rate_limits =
		json_incref((json_t *)settings_get(settings, "public.tcp_rate_limits"));
	fixed->internal_rate_limits =
		json_incref((json_t *)settings_get(settings, "public.internal_tcp_rate_limits"));
	int r = listen_addresses(settings, "public.tls_bind_address", fixed->public_listen,
				 &fixed->n_public_listen, ret_error);
	if (r < 0)
		return r;
	return listen_addresses(settings, "public.internal_bind_address", fixed->internal_listen,
				&fixed->n_internal_listen, ret_error);
}

static struct plane_settings plane(const json_t *settings)
{
	return (struct plane_settings){
		.forwarding = forwarding(settings_string(settings, "forwarding")),
		.rules = rules(settings),
		.kernel_budget = count(settings, "limits.kernel_backlog"),
		.memory = count(settings, "limits.memory_per_direction"),
		.idle_timeout = duration(settings, "limits.idle_timeout"),
		.drain_timeout = duration(settings, "limits.drain_timeout"),
	};
}

static void read_limits(const json_t *settings, struct config *config)
{
	uint32_t possible = connections_by_descriptors();

	config->connections = count(settings, "limits.connections");
	if (config->connections == 0 || config->connections > possible)
		config->connections = possible;
	config->half_open = count(settings, "limits.half_open");
	config->half_open_per_source = count(settings, "limits.half_open_per_source");
	config->pending = count(settings, "limits.pending");
	config->pending_per_operator = count(settings, "limits.pending_per_operator");
	config->parked = count(settings, "limits.parked");
	config->parked_per_operator = count(settings, "limits.parked_per_operator");
	config->dial_backs = count(settings, "limits.dial_backs");
	config->hello_timeout = duration(settings, "limits.hello_timeout");
	config->token_timeout = duration(settings, "limits.token_timeout");
	config->dial_timeout = duration(settings, "limits.dial_timeout");
	config->shutdown_grace = duration(settings, "limits.shutdown_grace");
	config->keepalive = (int)((settings_integer(settings, "limits.keepalive") + 999) / 1000);
}

int config_new(const json_t *settings, enum proxy_role role, struct config **ret, char **ret_error)
{
	struct config *config = calloc(1, sizeof(*config));
	int r = 0;

	if (!config)
		return -ENOMEM;
	atomic_init(&config->references, 1);
	config->fixed.role = role;
	config->fixed.workers = workers(settings);
	config->fixed.log_backlog = (size_t)settings_integer(settings, "limits.log_backlog");
	config->yield_at = count(settings, "yield_at");
	config->plane = plane(settings);
	config->anonymize_clients = settings_bool(settings, "anonymize_clients");
	read_limits(settings, config);
	if (role == ROLE_PRIVATE)
		config->send_proxy = send_proxy(
			settings_string(settings, "private.internal_endpoint.send_proxy"));
	else
		r = read_public(settings, config, ret_error);
	if (r < 0) {
		config_unref(config);
		return r;
	}
	*ret = config;
	return 0;
}

/* Nobody changes it, but for the number of its users. */
static atomic_uint *references(const struct config *config)
{
	return &((struct config *)config)->references;
}

const struct config *config_ref(const struct config *config)
{
	atomic_fetch_add_explicit(references(config), 1, memory_order_relaxed);
	return config;
}

void config_unref(const struct config *config)
{
	/* As in routes_unref(). */
	if (!config || atomic_fetch_sub_explicit(references(config), 1, memory_order_acq_rel) != 1)
		return;
	json_decref(config->fixed.public_rate_limits);
	json_decref(config->fixed.internal_rate_limits);
	free((struct config *)config);
}

void config_succeed(struct config *config, const struct config *running)
{
	json_decref(config->fixed.public_rate_limits);
	json_decref(config->fixed.internal_rate_limits);
	config->fixed = running->fixed;
	json_incref(config->fixed.public_rate_limits);
	json_incref(config->fixed.internal_rate_limits);
	config->plane.forwarding = running->plane.forwarding;
	config->plane.memory = running->plane.memory;
}
