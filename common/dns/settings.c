// SPDX-License-Identifier: BSD-2-Clause
#include "common/dns/settings.h"

#include "common/settings/settings.h"

#define SECONDS 1000LL

static const struct schema_key dns_keys[] = {
	SCHEMA_KEY("servers", LIST, .element = SCHEMA_ADDRESS, .fallback = "[]",
		   .doc = "name servers, by address and port, instead of those of "
			  "/etc/resolv.conf; at most 8"),
	SCHEMA_KEY("max_ttl", DURATION, .fallback = "5m", .min = 1 * SECONDS,
		   .max = 86400 * SECONDS,
		   .doc = "an answer is used as long as its TTL says, but at least 1s and at most "
			  "this long"),
	SCHEMA_KEY("max_stale", DURATION, .fallback = "1d", .min = 0, .max = 604800 * SECONDS,
		   .doc = "an answer that has expired is used this much longer while no server "
			  "answers"),
	SCHEMA_KEY("max_names", INTEGER, .fallback = "4096", .min = 1, .max = 1000000,
		   .doc = "answers that are kept; the oldest goes first"),
	SCHEMA_KEY("max_lookups", INTEGER, .fallback = "1024", .min = 1, .max = 100000,
		   .doc = "names that are being asked for at once"),
	SCHEMA_KEY("max_addresses", INTEGER, .fallback = "16", .min = 1, .max = RESOLVER_ADDRS,
		   .doc = "of one name; the rest is not used"),
	SCHEMA_END,
};

static const char *check_dns(const json_t *dns)
{
	const json_t *servers = settings_get(dns, "servers"), *server;
	struct name_server parsed;
	size_t i;

	if (json_array_size(servers) > RESOLV_SERVERS)
		return "servers: at most 8 are used";
	json_array_foreach((json_t *)servers, i, server) {
		if (!name_server_parse(json_string_value(server), &parsed))
			return "servers: a name server is given by its address, such as "
			       "192.0.2.1:53, not by a name";
	}
	return NULL;
}

const struct schema dns_schema = {.name = "dns", .keys = dns_keys, .check = check_dns};

struct resolver_settings dns_settings(const json_t *tree)
{
	struct resolver_settings settings = {
		.max_ttl_ms = (unsigned)settings_integer(tree, "dns.max_ttl"),
		.max_stale_ms = (unsigned)settings_integer(tree, "dns.max_stale"),
		.max_names = (unsigned)settings_integer(tree, "dns.max_names"),
		.max_lookups = (unsigned)settings_integer(tree, "dns.max_lookups"),
		.max_addrs = (unsigned)settings_integer(tree, "dns.max_addresses"),
	};
	const json_t *server;
	size_t i;

	json_array_foreach((json_t *)settings_get(tree, "dns.servers"), i, server) {
		if (settings.n_servers < RESOLV_SERVERS &&
		    name_server_parse(json_string_value(server),
				      &settings.servers[settings.n_servers]))
			settings.n_servers++;
	}
	return settings;
}
