// SPDX-License-Identifier: BSD-2-Clause
#include "user/private/endpoints.h"

#include "common/base/addr.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

struct endpoint {
	char host[ADDR_HOST_MAX + 1];
	uint16_t port;
};

static bool split(const json_t *text, struct endpoint *ret)
{
	return json_is_string(text) &&
	       addr_split(json_string_value(text), ret->host, &ret->port) == 0;
}

static bool equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && strcasecmp(a->host, b->host) == 0;
}

/* The settings' endpoints for this proxy, NULL: it is not named there. */
static const json_t *configured(const json_t *public_proxies, const char *name)
{
	const json_t *proxy;
	size_t i;

	json_array_foreach((json_t *)public_proxies, i, proxy) {
		const char *text = json_string_value(json_object_get(proxy, "name"));
		if (text && strcmp(text, name) == 0)
			return json_object_get(proxy, "endpoints");
	}
	return NULL;
}

bool endpoints_configured(const json_t *public_proxies, const char *name)
{
	return configured(public_proxies, name) != NULL;
}

static bool listed(const json_t *endpoints, const struct endpoint *wanted)
{
	struct endpoint endpoint;
	const json_t *text;
	size_t i;

	json_array_foreach((json_t *)endpoints, i, text) {
		if (split(text, &endpoint) && equal(&endpoint, wanted))
			return true;
	}
	return false;
}

static bool in_directory(const struct caller *caller, const struct endpoint *wanted)
{
	const json_t *settings = caller_proxy_settings(caller, caller->name);
	const json_t *channel = caller_channel(caller, "grpc_server");
	struct endpoint endpoint;

	if (split(json_object_get(settings, "internal_endpoint"), &endpoint) &&
	    equal(&endpoint, wanted))
		return true;
	return split(json_object_get(channel, "address"), &endpoint) && endpoint.host[0] != '\0' &&
	       strcasecmp(endpoint.host, wanted->host) == 0;
}

int endpoints_check(const json_t *public_proxies, const struct caller *caller, const char *endpoint)
{
	struct endpoint wanted;

	if (addr_split(endpoint, wanted.host, &wanted.port) < 0 || wanted.port == 0)
		return -EINVAL;
	const json_t *endpoints = configured(public_proxies, caller->name);
	bool allowed = endpoints ? listed(endpoints, &wanted) : in_directory(caller, &wanted);
	return allowed ? 0 : -EACCES;
}
