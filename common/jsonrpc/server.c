// SPDX-License-Identifier: BSD-2-Clause
#include "common/jsonrpc/server.h"

#include "common/base/cleanup.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/http/server.h"
#include "common/jsonrpc/endpoint.h"
#include "common/net/tls.h"
#include "common/settings/settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* For a block that does not set them. */
#define BODY_BYTES     (4 << 20)
#define HEAD_BYTES     (16 << 10)
#define STREAM_BYTES   (256 << 10)
#define CONNECTIONS    256
#define TIMEOUT_MS     30000
#define DEFAULT_PATH   "/jsonrpc"
#define NOT_ADMITTED   401
#define NO_FINGERPRINT "none"

struct jsonrpc_server {
	struct http_server *http;
	char *address;
	char *peer_name;      /* NULL: every certificate of the authority */
	json_t *fingerprints; /* listed besides; may be NULL */
	bool verify;
	struct http_router *router;
	struct jsonrpc_endpoint endpoint;
};

static bool is_listed(const json_t *fingerprints, const char *fingerprint)
{
	const json_t *item;
	size_t i;

	json_array_foreach(fingerprints, i, item)
		if (strcasecmp(json_string_value(item), fingerprint) == 0)
			return true;
	return false;
}

static bool on_admit(const SSL *ssl, const struct addr *peer, void *arg)
{
	const struct jsonrpc_server *server = arg;
	const X509 *certificate = SSL_get0_peer_certificate(ssl);
	char fingerprint[TLS_FINGERPRINT_MAX] = NO_FINGERPRINT;
	char from[ADDR_TEXT_MAX], name[128] = "";

	if (!server->verify || !server->peer_name)
		return true;
	if (certificate && tls_certificate_has_name(certificate, server->peer_name))
		return true;
	if (tls_peer_fingerprint(ssl, fingerprint) == 0 &&
	    is_listed(server->fingerprints, fingerprint))
		return true;
	if (certificate)
		X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
					  sizeof(name));
	addr_format_anonymous(peer, from);
	log_warn("json-rpc server %s: %s shows the certificate of '%s' (SHA-256 %s), which does "
		 "not bear the name '%s': refused; if it is to be served, add the fingerprint to "
		 "tls.fingerprints of this jsonrpc_server",
		 server->address, from, name, fingerprint, server->peer_name);
	return false;
}

/* Whatever is asked for: a stranger does not even learn which paths there are. */
static void on_refuse(struct http_exchange *exchange, void *arg)
{
	const struct jsonrpc_server *server = arg;
	struct jsonrpc_error error = {0};

	jsonrpc_error_set(&error, NOT_ADMITTED, NULL, "the certificate does not bear the name '%s'",
			  server->peer_name);
	jsonrpc_endpoint_refuse(exchange, &error);
}

static const struct http_server_ops http_ops = {on_admit, on_refuse};

/* Who may speak to this server is told by a certificate, or by the machine's own border. */
static int check_exposure(const struct jsonrpc_server *server, bool tls, char **ret_error)
{
	const char *what = tls ? "TLS without client certificates (tls.verify_client: false)"
			       : "plain HTTP (no tls block)";

	if (tls && server->verify)
		return 0;
	if (!http_server_is_loopback(server->http))
		return error_set(
			ret_error, -EACCES,
			"json-rpc server %s: %s lets everybody who reaches this address send "
			"messages; add a tls block with verify_client: true, or bind to "
			"localhost",
			server->address, what);
	log_warn("json-rpc server %s: %s: every program on this machine may send messages",
		 server->address, what);
	return 0;
}

static long long or_default(long long value, long long otherwise)
{
	return value > 0 ? value : otherwise;
}

static int start(struct jsonrpc_server *server, struct event_base *base, const json_t *settings,
		 SSL_CTX *tls, char **ret_error)
{
	long long body = or_default(settings_integer(settings, "body_limit"), BODY_BYTES);
	long long connections =
		or_default(settings_integer(settings, "max_connections"), CONNECTIONS);
	long long timeout = or_default(settings_integer(settings, "timeout"), TIMEOUT_MS);
	const struct http_server_config config = {
		.base = base,
		.bind_address = server->address,
		.rate_limits = settings_get(settings, "tcp_rate_limits"),
		.tls = tls,
		.limits = {.body_bytes = (size_t)body,
			   .head_bytes = HEAD_BYTES,
			   .stream_bytes = STREAM_BYTES,
			   .connections = (unsigned)connections,
			   .request_ms = (unsigned)timeout,
			   .idle_ms = (unsigned)timeout},
		.router = server->router,
		.ops = &http_ops,
		.arg = server,
	};

	int r = http_server_new(&config, &server->http, ret_error);
	return r < 0 ? r : check_exposure(server, tls, ret_error);
}

static void cleanup_server(struct jsonrpc_server **server)
{
	jsonrpc_server_free(*server);
}

static void cleanup_context(SSL_CTX **context)
{
	SSL_CTX_free(*context);
}

int jsonrpc_server_new(struct event_base *base, const json_t *settings, const char *peer_name,
		       jsonrpc_handler handler, void *arg, struct jsonrpc_server **ret,
		       char **ret_error)
{
	CLEANUP(cleanup_server) struct jsonrpc_server *server = calloc(1, sizeof(*server));
	CLEANUP(cleanup_context) SSL_CTX *context = NULL;
	const json_t *tls = settings_get(settings, "tls");
	const char *address = settings_string(settings, "bind_address");
	const char *path = settings_string(settings, "path");
	AUTO_FREE char *why = NULL;

	if (!server)
		return -ENOMEM;
	if (!address)
		return error_set(ret_error, -EINVAL, "json-rpc server: bind_address is missing");
	server->endpoint = (struct jsonrpc_endpoint){handler, arg};
	server->router = http_router_new();
	server->address = strdup(address);
	server->peer_name = peer_name ? strdup(peer_name) : NULL;
	server->verify = tls && settings_bool(tls, "verify_client");
	server->fingerprints = json_deep_copy(settings_get(tls, "fingerprints"));
	if (!server->address || !server->router || (peer_name && !server->peer_name))
		return -ENOMEM;
	int r = jsonrpc_endpoint_add(&server->endpoint, server->router, path ? path : DEFAULT_PATH);
	if (r < 0)
		return r;
	r = tls ? tls_context_new(tls, TLS_SERVER, &context, &why) : 0;
	if (r < 0)
		return error_set(ret_error, r, "json-rpc server %s: tls: %s", address,
				 why ? why : strerror(-r));
	r = start(server, base, settings, context, ret_error);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(server);
	return 0;
}

void jsonrpc_server_free(struct jsonrpc_server *server)
{
	if (!server)
		return;
	http_server_free(server->http);
	http_router_free(server->router);
	json_decref(server->fingerprints);
	free(server->peer_name);
	free(server->address);
	free(server);
}

uint16_t jsonrpc_server_port(const struct jsonrpc_server *server)
{
	return http_server_port(server->http);
}
