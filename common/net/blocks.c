// SPDX-License-Identifier: BSD-2-Clause
#include "common/net/blocks.h"

#include "common/base/cleanup.h"
#include "common/net/tls.h"

#include <stdio.h>
#include <string.h>

#define PATH_MAX_BYTES 4095

static const char *const periods[] = {"second", "minute", "hour", NULL};

static const struct schema_key rate_limit_keys[] = {
	SCHEMA_KEY("type", CHOICE, .flags = SCHEMA_REQUIRED, .choices = periods,
		   .doc = "the period"),
	SCHEMA_KEY("limit", INTEGER, .flags = SCHEMA_REQUIRED, .min = 1, .max = 1000000000,
		   .doc = "connections that one source may open in it"),
	SCHEMA_END,
};
const struct schema rate_limit_schema = {.name = "tcp_rate_limits[]", .keys = rate_limit_keys};

/* Certificates are read, a key has to belong to its certificate: a renewal is checked before a
 * restart. */
static const char *check_files(const json_t *tls, enum tls_role role)
{
	static char complaint[512];
	AUTO_FREE char *why = NULL;
	SSL_CTX *context;

	int r = tls_context_new(tls, role, &context, &why);
	if (r == 0) {
		SSL_CTX_free(context);
		return NULL;
	}
	snprintf(complaint, sizeof(complaint), "%s", why ? why : strerror(-r));
	return complaint;
}

static const char *check_tls_client(const json_t *tls)
{
	if (!settings_get(tls, "certificate_file") != !settings_get(tls, "key_file"))
		return "certificate_file and key_file belong together; give both or none";
	return check_files(tls, TLS_CLIENT);
}

static const char *check_tls_server(const json_t *tls)
{
	if (settings_bool(tls, "verify_client") &&
	    json_array_size(settings_get(tls, "ca_certificate_files")) == 0)
		return "to verify clients, list the authorities in ca_certificate_files; to let "
		       "everybody in, write verify_client: false";
	return check_files(tls, TLS_SERVER);
}

#define VALIDATE_CLIENT                                               \
	SCHEMA_KEY("validate_client", BOOL, .flags = SCHEMA_UNSERVED, \
		   .doc = "a slip in the originals' settings; the key is verify_client")

static const struct schema_key tls_server_keys[] = {
	SCHEMA_KEY("certificate_file", FILE, .flags = SCHEMA_REQUIRED,
		   .doc = "PEM: own certificate, then the intermediate ones"),
	SCHEMA_KEY("key_file", FILE, .flags = SCHEMA_REQUIRED, .doc = "PEM: its private key"),
	SCHEMA_KEY("ca_certificate_files", LIST, .element = SCHEMA_FILE, .fallback = "[]",
		   .doc = "PEM: authorities that clients' certificates must come from"),
	SCHEMA_KEY("verify_client", BOOL, .fallback = "true",
		   .doc = "admit only clients that show such a certificate"),
	SCHEMA_KEY("request_client_cert", BOOL, .fallback = "false",
		   .doc = "without verify_client: ask for a certificate, but do not insist"),
	SCHEMA_KEY("fingerprints", LIST, .element = SCHEMA_FINGERPRINT, .fallback = "[]",
		   .doc = "SHA-256 of certificates that may connect, whatever their name, besides "
			  "those that bear the own name"),
	SCHEMA_KEY("server_name", STRING, .max = 253, .doc = "of no use to a server; accepted"),
	SCHEMA_KEY("insecure_skip_verify", BOOL, .fallback = "false",
		   .doc = "of no use to a server; accepted"),
	VALIDATE_CLIENT,
	SCHEMA_END,
};
const struct schema tls_server_schema = {
	.name = "tls (server)", .keys = tls_server_keys, .check = check_tls_server};

static const struct schema_key tls_client_keys[] = {
	SCHEMA_KEY("ca_certificate_files", LIST, .element = SCHEMA_FILE, .fallback = "[]",
		   .doc = "PEM: authorities that the server's certificate must come from; empty: "
			  "the system's"),
	SCHEMA_KEY("certificate_file", FILE,
		   .doc = "PEM: own certificate, then the intermediate ones"),
	SCHEMA_KEY("key_file", FILE, .doc = "PEM: its private key"),
	SCHEMA_KEY("server_name", STRING, .max = 253,
		   .doc = "the name that the server's certificate must bear; without it the host "
			  "that is dialled"),
	SCHEMA_KEY("insecure_skip_verify", BOOL, .fallback = "false",
		   .doc = "believe any server; for experiments only"),
	SCHEMA_KEY("verify_client", BOOL, .fallback = "true",
		   .doc = "of no use to a client; accepted"),
	SCHEMA_KEY("request_client_cert", BOOL, .fallback = "false",
		   .doc = "of no use to a client; accepted"),
	VALIDATE_CLIENT,
	SCHEMA_END,
};
const struct schema tls_client_schema = {
	.name = "tls (client)", .keys = tls_client_keys, .check = check_tls_client};

static const struct schema_key jsonrpc_server_keys[] = {
	SCHEMA_KEY("bind_address", ADDRESS, .flags = SCHEMA_REQUIRED, .doc = "where to listen"),
	SCHEMA_KEY("path", STRING, .fallback = "/jsonrpc", .max = PATH_MAX_BYTES,
		   .doc = "path of the URL"),
	SCHEMA_KEY("tls", OBJECT, .object = &tls_server_schema,
		   .doc = "without it plain HTTP, which only a loopback address may serve"),
	SCHEMA_KEY("tcp_rate_limits", LIST, .element = SCHEMA_OBJECT, .object = &rate_limit_schema,
		   .fallback = "[]", .doc = "what one source may open; the rest is closed"),
	SCHEMA_KEY("body_limit", SIZE, .fallback = "4MiB", .min = 1024, .max = 1LL << 30,
		   .doc = "largest request"),
	SCHEMA_KEY("max_connections", INTEGER, .fallback = "256", .min = 1, .max = 1000000,
		   .doc = "connections at once"),
	SCHEMA_KEY("timeout", DURATION, .fallback = "30s", .min = 1, .max = 3600000,
		   .doc = "for a request to arrive, and for an idle connection to stay"),
	SCHEMA_KEY("cors", OBJECT, .flags = SCHEMA_UNSERVED, .doc = "headers for browsers"),
	SCHEMA_END,
};
const struct schema jsonrpc_server_schema = {.name = "jsonrpc_server", .keys = jsonrpc_server_keys};

static const char *check_jsonrpc_client(const json_t *client)
{
	const char *endpoint = settings_string(client, "endpoint");

	if ((endpoint[4] == ':') && settings_get(client, "tls"))
		return "has a tls block, but its endpoint is http://, which is not encrypted; "
		       "write "
		       "https://, or remove the tls block";
	return NULL;
}

static const struct schema_key jsonrpc_client_keys[] = {
	SCHEMA_KEY("endpoint", URL, .flags = SCHEMA_REQUIRED, .doc = "URL of the server"),
	SCHEMA_KEY("tls", OBJECT, .object = &tls_client_schema,
		   .doc = "for https: own certificate, and whom to believe"),
	SCHEMA_KEY("proxy_url", URL, .doc = "HTTP proxy on the way"),
	SCHEMA_KEY("timeout", DURATION, .fallback = "10s", .min = 1, .max = 3600000,
		   .doc = "for one call, connection included"),
	SCHEMA_KEY(
		"max_connections", INTEGER, .fallback = "32", .min = 1, .max = 1000,
		.doc = "connections at once; they are kept open. A public proxy uses a quarter of "
		       "them for the notices to one private proxy, and others wait in line"),
	SCHEMA_KEY("local", BOOL, .flags = SCHEMA_UNSERVED, .doc = "calls inside one process"),
	SCHEMA_KEY("server_name", STRING, .flags = SCHEMA_UNSERVED,
		   .doc = "it belongs into the tls block"),
	SCHEMA_END,
};
const struct schema jsonrpc_client_schema = {
	.name = "jsonrpc_client", .keys = jsonrpc_client_keys, .check = check_jsonrpc_client};

static const struct schema_key metrics_keys[] = {
	SCHEMA_KEY("bind_address", ADDRESS, .flags = SCHEMA_REQUIRED, .doc = "where to listen"),
	SCHEMA_END,
};
const struct schema metrics_schema = {.keys = metrics_keys};
