/* SPDX-License-Identifier: BSD-2-Clause */
/* What the client shares with its calls; everybody else uses common/jsonrpc/client.h. */
#pragma once

#include "common/jsonrpc/client.h"
#include "common/jsonrpc/curl_loop.h"

#include <stdbool.h>

struct call;

struct jsonrpc_client {
	struct event_base *base;
	struct curl_loop *loop;
	struct curl_slist *headers;
	struct curl_slist *connect_to;
	char *url;
	unsigned timeout_ms; /* of the settings; 0: only that of the call */
	char *proxy;
	json_t *tls;
	struct call *calls;
	size_t n_calls;
	unsigned busy; /* callers' functions that are running */
	bool freed;    /* by one of them: done when the last has returned */
};

/* A transfer is over: the curl_loop_done of the client. */
void jsonrpc_client_done(CURL *easy, CURLcode code);
void jsonrpc_client_destroy(struct jsonrpc_client *client);
/* End all calls with -ECANCELED. */
void jsonrpc_client_cancel(struct jsonrpc_client *client);
