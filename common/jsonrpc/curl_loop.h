/* SPDX-License-Identifier: BSD-2-Clause */
/* libcurl's multi interface on a libevent loop. */
#pragma once

#include <curl/curl.h>
#include <event2/event.h>

struct curl_loop;

/* A transfer is over. It is still part of the loop; the callee removes it. */
typedef void (*curl_loop_done)(CURL *easy, CURLcode code);

/* At most `connections` are open at once, kept for the next transfers. */
int curl_loop_new(struct event_base *base, long connections, curl_loop_done done,
		  struct curl_loop **ret);
/* All transfers must have been removed. May be called from inside `done`. */
void curl_loop_free(struct curl_loop *loop);

int curl_loop_add(struct curl_loop *loop, CURL *easy);
void curl_loop_remove(struct curl_loop *loop, CURL *easy); /* harmless for one never added */
