// SPDX-License-Identifier: BSD-2-Clause
#include "relay/settings_schema.h"

#include "common/dns/settings.h"
#include "common/net/blocks.h"

#include <string.h>

#define SECONDS  1000LL
#define NAME_LEN 255

static const char *const dialects[] = {"hyper", "eps", NULL};

static const struct schema_key json_directory_keys[] = {
	SCHEMA_KEY("path", FILE, .flags = SCHEMA_REQUIRED,
		   .doc = "a JSON file, or a folder of them; read again when it changes"),
	SCHEMA_END,
};
static const struct schema json_directory_schema = {.keys = json_directory_keys};

static const struct schema_variant directory_types[] = {
	{.type = "json", .settings = &json_directory_schema, .doc = "files"},
	{.type = "api",
	 .doc = "not served in this version",
	 .refusal = "the service directory is not served in this version; use the type json, with "
		    "settings.path"},
	{.type = NULL},
};

static const struct schema_key grpc_server_keys[] = {
	SCHEMA_KEY("bind_address", ADDRESS, .fallback = "localhost:4444", .doc = "where to listen"),
	SCHEMA_KEY("tls", OBJECT, .flags = SCHEMA_REQUIRED, .object = &tls_server_schema,
		   .doc = "own certificate, and the authorities of the others; the directory says "
			  "which certificate is whose"),
	SCHEMA_KEY("tcp_rate_limits", LIST, .element = SCHEMA_OBJECT, .object = &rate_limit_schema,
		   .fallback = "[]", .doc = "what one source may open; the rest is closed"),
	SCHEMA_END,
};

/* Whoever writes them means to admit these alone. */
static const char *check_grpc_server(const json_t *server)
{
	if (json_array_size(settings_get(server, "tls.fingerprints")) > 0)
		return "tls.fingerprints has no effect on relays: write them into the directory, "
		       "section certificates, which says whose certificate is whose";
	return NULL;
}

static const struct schema grpc_server_schema = {.keys = grpc_server_keys,
						 .check = check_grpc_server};

static const char *check_grpc_client(const json_t *client)
{
	if (settings_integer(client, "reconnect_min") > settings_integer(client, "reconnect_max"))
		return "reconnect_min must not be more than reconnect_max";
	if (!settings_get(client, "tls.certificate_file"))
		return "tls needs certificate_file and key_file: other relays know this one by its "
		       "certificate";
	return NULL;
}

static const struct schema_key grpc_client_keys[] = {
	SCHEMA_KEY("tls", OBJECT, .flags = SCHEMA_REQUIRED, .object = &tls_client_schema,
		   .doc = "own certificate, and the authorities of the others; their names come "
			  "from the directory, not from server_name"),
	SCHEMA_KEY("dialect", CHOICE, .choices = dialects,
		   .doc = "hyper or eps: which of the originals the others are; without it as the "
			  "program is called, hyper if relay"),
	SCHEMA_KEY("streams", INTEGER, .fallback = "4", .min = 1, .max = 256,
		   .doc = "streams held open to each relay that may call; one carries one request "
			  "at a time"),
	SCHEMA_KEY("reconnect_min", DURATION, .fallback = "200ms", .min = 10, .max = 3600 * SECONDS,
		   .doc = "first pause before a lost stream is opened again"),
	SCHEMA_KEY("reconnect_max", DURATION, .fallback = "30s", .min = 10, .max = 3600 * SECONDS,
		   .doc = "longest such pause"),
	SCHEMA_KEY("useProxy", BOOL, .flags = SCHEMA_UNSERVED,
		   .doc = "gRPC through a public proxy"),
	SCHEMA_END,
};
static const struct schema grpc_client_schema = {.keys = grpc_client_keys,
						 .check = check_grpc_client};

static const struct schema_variant channel_types[] = {
	{.type = "jsonrpc_server",
	 .settings = &jsonrpc_server_schema,
	 .doc = "the own service calls in"},
	{.type = "jsonrpc_client",
	 .settings = &jsonrpc_client_schema,
	 .doc = "the own service is called"},
	{.type = "grpc_server", .settings = &grpc_server_schema, .doc = "other relays connect"},
	{.type = "grpc_client", .settings = &grpc_client_schema, .doc = "connects to other relays"},
	{.type = "stdout", .flags = SCHEMA_UNSERVED, .doc = "not served in this version"},
	{.type = "quic", .flags = SCHEMA_UNSERVED, .doc = "not served in this version"},
	{.type = NULL},
};

static const struct schema_key channel_keys[] = {
	SCHEMA_KEY("name", STRING, .max = NAME_LEN, .doc = "for people"),
	SCHEMA_KEY("services", LIST, .flags = SCHEMA_UNSERVED, .element = SCHEMA_STRING,
		   .doc = "the originals ignore it, too"),
	SCHEMA_END,
};
static const struct schema channel_schema = {.keys = channel_keys};

static const struct schema_key limits_keys[] = {
	SCHEMA_KEY("messages", INTEGER, .fallback = "4096", .min = 1, .max = 10000000,
		   .doc = "in transit at once"),
	SCHEMA_KEY("message_size", SIZE, .fallback = "4MiB", .min = 1024, .max = 1LL << 30,
		   .doc = "of one gRPC message"),
	SCHEMA_KEY("connections", INTEGER, .fallback = "1024", .min = 1, .max = 1000000,
		   .doc = "that grpc_server holds at once"),
	SCHEMA_KEY("handshakes", INTEGER, .fallback = "256", .min = 1, .max = 1000000,
		   .doc = "of them, those that have not shown a certificate yet"),
	SCHEMA_KEY("handshakes_per_source", INTEGER, .fallback = "16", .min = 1, .max = 1000000,
		   .doc = "of these, from one IPv4 address or IPv6 /64"),
	SCHEMA_KEY("streams_per_peer", INTEGER, .fallback = "64", .min = 2, .max = 10000,
		   .doc = "of one connection, calls and reverse streams; of the latter, a relay "
			  "opens half as many at most"),
	SCHEMA_LOG_BACKLOG,
	SCHEMA_END,
};
static const struct schema limits_schema = {.keys = limits_keys};

static const struct schema_key relay_keys[] = {
	SCHEMA_KEY("name", STRING, .flags = SCHEMA_REQUIRED, .max = NAME_LEN,
		   .doc = "own name as an operator"),
	SCHEMA_KEY("directory", TAGGED, .flags = SCHEMA_REQUIRED, .variants = directory_types,
		   .doc = "who takes part, and who may call what"),
	SCHEMA_KEY("channels", LIST, .flags = SCHEMA_REQUIRED, .element = SCHEMA_TAGGED,
		   .object = &channel_schema, .variants = channel_types,
		   .doc = "ways for messages; the first that reaches an operator carries them"),
	SCHEMA_KEY("timeout", DURATION, .fallback = "30s", .min = 1, .max = 3600 * SECONDS,
		   .doc = "for a message to be answered"),
	SCHEMA_KEY("limits", OBJECT, .object = &limits_schema, .fallback = "{}",
		   .doc = "what strangers can make grow"),
	SCHEMA_KEY("dns", OBJECT, .object = &dns_schema, .fallback = "{}",
		   .doc = "how host names are resolved"),
	SCHEMA_KEY("metrics", OBJECT, .flags = SCHEMA_UNSERVED, .object = &metrics_schema,
		   .doc = "Prometheus"),
	SCHEMA_KEY("signing", OBJECT, .flags = SCHEMA_UNSERVED,
		   .doc = "for changes to the service directory"),
	SCHEMA_END,
};

static const char *check_relay(const json_t *relay)
{
	const json_t *channels = settings_get(relay, "channels");

	for (size_t i = 0; i < json_array_size(channels); i++)
		for (size_t j = 0; j < i; j++)
			if (json_equal(json_object_get(json_array_get(channels, i), "type"),
				       json_object_get(json_array_get(channels, j), "type")))
				return "channels: there are two of one type; there may be one "
				       "(settings files are merged by appending lists; write "
				       "\"channels!:\" to replace them)";
	return NULL;
}

const struct schema relay_schema = {.name = "relay", .keys = relay_keys, .check = check_relay};
