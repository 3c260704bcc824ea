// SPDX-License-Identifier: BSD-2-Clause
/* The client as its settings make it; its calls are in client_call.c, and how libcurl
 * meets the event loop in curl_loop.c. */
#include "common/base/cleanup.h"
#include "common/base/error.h"
#include "common/jsonrpc/client_private.h"
#include "common/net/tls.h"
#include "common/settings/settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_CONNECTIONS 32

void jsonrpc_client_destroy(struct jsonrpc_client *client)
{
	curl_loop_free(client->loop);
	curl_slist_free_all(client->headers);
	curl_slist_free_all(client->connect_to);
	json_decref(client->tls);
	free(client->host);
	free(client->route);
	free(client->url);
	free(client->proxy);
	free(client);
}

static void cleanup_url(CURLU **url)
{
	curl_url_cleanup(*url);
}

/*
 * A server_name other than the endpoint's host: the URL gets that name, which
 * libcurl then sends and checks, and the connection goes to the real host.
 */
static int rename_server(struct jsonrpc_client *client, CURLU *url, const char *server_name)
{
	char *host = NULL, *port = NULL, *renamed = NULL;
	AUTO_FREE char *route = NULL;
	int r = -EINVAL;

	if (curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	    curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
	    curl_url_set(url, CURLUPART_HOST, server_name, 0) == CURLUE_OK &&
	    curl_url_get(url, CURLUPART_URL, &renamed, 0) == CURLUE_OK) {
		if (asprintf(&route, "%s:%s:%s:%s", server_name, port, host, port) < 0)
			route = NULL;
		free(client->url);
		client->url = strdup(renamed);
		client->connect_to = route ? curl_slist_append(NULL, route) : NULL;
		r = client->url && client->connect_to ? 0 : -ENOMEM;
	}
	curl_free(host);
	curl_free(port);
	curl_free(renamed);
	return r;
}

static int set_endpoint(struct jsonrpc_client *client, const char *endpoint, char **ret_error)
{
	CLEANUP(cleanup_url) CURLU *url = curl_url();
	const char *server_name = settings_string(client->tls, "server_name");
	char *scheme = NULL;

	if (!url || curl_url_set(url, CURLUPART_URL, endpoint, 0) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
		return error_set(ret_error, -EINVAL, "json-rpc client: endpoint %s is not a URL",
				 endpoint);
	bool https = strcasecmp(scheme, "https") == 0, http = strcasecmp(scheme, "http") == 0;
	curl_free(scheme);
	if (!http && !https)
		return error_set(
			ret_error, -EINVAL,
			"json-rpc client: endpoint %s: must begin with http:// or https://",
			endpoint);
	client->url = strdup(endpoint);
	if (!client->url)
		return -ENOMEM;
	if (!https || !server_name)
		return 0;
	int r = rename_server(client, url, server_name);
	return r < 0 ? error_set(ret_error, r,
				 "json-rpc client: tls.server_name %s is not a host name",
				 server_name)
		     : 0;
}

static int check_tls(const struct jsonrpc_client *client, const char *endpoint, char **ret_error)
{
	AUTO_FREE char *why = NULL;
	SSL_CTX *context;

	if (!client->tls)
		return 0;
	int r = tls_context_new(client->tls, TLS_CLIENT, &context, &why);
	if (r < 0)
		return error_set(ret_error, r, "json-rpc client for %s: tls: %s", endpoint,
				 why ? why : strerror(-r));
	SSL_CTX_free(context);
	return 0;
}

static void cleanup_client(struct jsonrpc_client **client)
{
	jsonrpc_client_free(*client);
}

int jsonrpc_client_new(struct event_base *base, struct resolver *resolver, const json_t *settings,
		       struct jsonrpc_client **ret, char **ret_error)
{
	CLEANUP(cleanup_client) struct jsonrpc_client *client = calloc(1, sizeof(*client));
	const char *endpoint = settings_string(settings, "endpoint");
	const char *proxy = settings_string(settings, "proxy_url");
	long long connections = settings_integer(settings, "max_connections");
	long long timeout = settings_integer(settings, "timeout");
	const json_t *tls = settings_get(settings, "tls");

	if (!client)
		return -ENOMEM;
	if (!endpoint)
		return error_set(ret_error, -EINVAL, "json-rpc client: endpoint is missing");
	client->base = base;
	client->resolver = resolver;
	client->timeout_ms = timeout > 0 ? (unsigned)timeout : 0;
	client->tls = tls ? json_deep_copy(tls) : NULL;
	client->proxy = proxy ? strdup(proxy) : NULL;
	client->headers = curl_slist_append(NULL, "Content-Type: application/json");
	if (!client->headers || !curl_slist_append(client->headers, "Accept: application/json") ||
	    !curl_slist_append(client->headers, "Expect:") || (proxy && !client->proxy) ||
	    (tls && !client->tls))
		return -ENOMEM;
	int r = set_endpoint(client, endpoint, ret_error);
	if (r == 0)
		r = client_host_init(client, proxy ? proxy : endpoint, ret_error);
	if (r == 0)
		r = check_tls(client, endpoint, ret_error);
	if (r == 0)
		r = curl_loop_new(base, connections > 0 ? (long)connections : DEFAULT_CONNECTIONS,
				  jsonrpc_client_done, &client->loop);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(client);
	return 0;
}

void jsonrpc_client_free(struct jsonrpc_client *client)
{
	if (!client)
		return;
	client->freed = true;
	client->busy++;
	jsonrpc_client_cancel(client);
	if (--client->busy == 0)
		jsonrpc_client_destroy(client);
}
