/* SPDX-License-Identifier: BSD-2-Clause */
/* What the client shares with its calls; everybody else uses common/jsonrpc/client.h. */
#pragma once

#include "common/jsonrpc/client.h"
#include "common/jsonrpc/curl_loop.h"

#include <stdbool.h>

struct jsonrpc_client {
	struct event_base *base;
	struct resolver *resolver;
	struct curl_loop *loop;
	struct curl_slist *headers;
	struct curl_slist *connect_to;
	char *url;
	unsigned timeout_ms; /* of the settings; 0: only that of the call */
	char *proxy;
	char *host;  /* "host:port" to connect to, if it has to be looked up; or NULL */
	char *route; /* its addresses as libcurl takes them, when they were last told; or NULL */
	json_t *tls;
	struct call *calls;
	size_t n_calls;
	unsigned busy; /* callers' functions that are running */
	bool freed;    /* by one of them: done when the last has returned */
};

struct call {
	struct jsonrpc_client *client;
	struct call *next, **link;
	CURL *easy;
	struct event *deadline;
	char *body;
	char *reply_text;
	size_t reply_length, reply_size;
	char curl_error[CURL_ERROR_SIZE];
	char *tls_error; /* our own, from the set-up of a connection */
	jsonrpc_reply reply;
	void *arg;

	struct resolver_wait *lookup; /* under way */
	struct curl_slist *route;     /* what libcurl was told of the host */
	char *why_no_name;            /* the resolver's reason, where there was no answer */
	bool asked_anew; /* nobody was at the addresses: the name was asked for again */
};

/* The host of a URL, the endpoint or the proxy, that has to be looked up before each call. */
int client_host_init(struct jsonrpc_client *client, const char *url, char **ret_error);
/*
 * The call's first steps: libcurl is given the addresses of the host, then the
 * transfer. Ends in call_fail() if the host has none. 0, -ENOMEM.
 */
int call_begin(struct call *call);
/*
 * Nobody took the connection. True: the name is asked for anew, and the call
 * goes on if it leads elsewhere by now; otherwise it ends with what
 * call->curl_error says.
 */
bool call_begin_anew(struct call *call);
void call_fail(struct call *call, int r, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A transfer is over: the curl_loop_done of the client. */
void jsonrpc_client_done(CURL *easy, CURLcode code);
void jsonrpc_client_destroy(struct jsonrpc_client *client);
/* End all calls with -ECANCELED. */
void jsonrpc_client_cancel(struct jsonrpc_client *client);
