// SPDX-License-Identifier: BSD-2-Clause
/*
 * The addresses of the host that calls go to. libcurl is told them with each
 * transfer and looks nothing up: its own resolver would know nothing of ours,
 * and when a call runs out of time, libcurl waits for the thread that still
 * does, and with it the whole control thread.
 */
#include "common/base/cleanup.h"
#include "common/base/error.h"
#include "common/dns/resolver.h"
#include "common/jsonrpc/client_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void cleanup_url(CURLU **url)
{
	curl_url_cleanup(*url);
}

static void cleanup_part(char **part)
{
	curl_free(*part);
}

int client_host_init(struct jsonrpc_client *client, const char *url, char **ret_error)
{
	CLEANUP(cleanup_url) CURLU *parsed = curl_url();
	CLEANUP(cleanup_part) char *host = NULL;
	CLEANUP(cleanup_part) char *port = NULL;
	AUTO_FREE char *endpoint = NULL;
	struct addr unused[2];

	if (!parsed)
		return -ENOMEM;
	if (curl_url_set(parsed, CURLUPART_URL, url, 0) != CURLUE_OK ||
	    curl_url_get(parsed, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		return error_set(ret_error, -EINVAL, "json-rpc client: %s is not a URL", url);
	/* Of a proxy without a port libcurl has ideas of its own. */
	CURLUcode r =
		curl_url_get(parsed, CURLUPART_PORT, &port, client->proxy ? 0 : CURLU_DEFAULT_PORT);
	const char *number = r == CURLUE_OK ? port : strncmp(url, "https", 5) == 0 ? "443" : "1080";
	if (asprintf(&endpoint, "%s:%s", host, number) < 0)
		return -ENOMEM;
	int n = addr_parse(endpoint, unused, 2);
	if (n == -EINVAL)
		return error_set(ret_error, n, "json-rpc client: the host of %s is none", url);
	if (n == -EAGAIN)
		client->host = TAKE_PTR(endpoint);
	return 0;
}

/* "+host:port:address,address": it counts for this client, and for no longer than libcurl likes. */
static char *format_route(const char *host, const struct resolver_answer *answer)
{
	size_t size = strlen(host) + 3 + (size_t)answer->n * (ADDR_TEXT_MAX + 1);
	AUTO_FREE char *route = malloc(size);
	char text[ADDR_TEXT_MAX];

	if (!route)
		return NULL;
	int length = snprintf(route, size, "+%s", host);
	for (int i = 0; i < answer->n; i++) {
		addr_format(&answer->addrs[i], text);
		*strrchr(text, ':') = '\0';
		length += snprintf(route + length, size - (size_t)length, "%c%s",
				   i == 0 ? ':' : ',', text);
	}
	return TAKE_PTR(route);
}

/* Some versions of libcurl know a name that ends with a dot without it: they get both. */
static struct curl_slist *route_list(const char *route)
{
	AUTO_FREE char *without = strdup(route);
	struct curl_slist *list = without ? curl_slist_append(NULL, route) : NULL;
	char *dot = without ? strstr(without, ".:") : NULL;

	if (!list || !dot)
		return list;
	memmove(dot, dot + 1, strlen(dot));
	if (curl_slist_append(list, without))
		return list;
	curl_slist_free_all(list);
	return NULL;
}

static int start_transfer(struct call *call)
{
	struct jsonrpc_client *client = call->client;

	if (client->route) {
		curl_slist_free_all(call->route);
		call->route = route_list(client->route);
		if (!call->route ||
		    curl_easy_setopt(call->easy, CURLOPT_RESOLVE, call->route) != CURLE_OK)
			return -ENOMEM;
	}
	return curl_loop_add(client->loop, call->easy);
}

/*
 * Without an answer the last one serves: a connection that is still open needs
 * none at all. The certificate tells whether it leads to the right server.
 */
static void on_lookup(const struct resolver_answer *answer, void *arg)
{
	struct call *call = arg;
	struct jsonrpc_client *client = call->client;
	AUTO_FREE char *route = answer->n > 0 ? format_route(client->host, answer) : NULL;
	bool same = call->route && (!route || strcmp(route, call->route->data) == 0);

	call->lookup = NULL;
	free(call->why_no_name);
	call->why_no_name = answer->n > 0 ? NULL : strdup(answer->reason);
	if (call->asked_anew && same) {
		call_fail(call, -ECONNREFUSED, "%s: %s", client->url, call->curl_error);
		return;
	}
	if (answer->n <= 0 && !client->route) {
		call_fail(call, -ECONNREFUSED, "%s: its host name cannot be resolved: %s",
			  client->url, answer->reason);
		return;
	}
	if (route) {
		free(client->route);
		client->route = TAKE_PTR(route);
	}
	int r = start_transfer(call);
	if (r < 0)
		call_fail(call, r, "%s: %s", client->url, strerror(-r));
}

int call_begin(struct call *call)
{
	struct jsonrpc_client *client = call->client;

	if (!client->host)
		return curl_loop_add(client->loop, call->easy);
	if (!client->resolver)
		return -EHOSTUNREACH;
	return resolver_start(client->resolver, client->host, on_lookup, call, &call->lookup);
}

bool call_begin_anew(struct call *call)
{
	struct jsonrpc_client *client = call->client;

	if (!client->host || call->asked_anew || call->why_no_name)
		return false;
	call->asked_anew = true;
	curl_loop_remove(client->loop, call->easy);
	resolver_refused(client->resolver, client->host);
	return call_begin(call) == 0;
}
