/* SPDX-License-Identifier: BSD-2-Clause */
/* The head of an HTTP/1.1 request (RFC 9112). Pure: bytes in, result out. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_PATH_MAX 1024

struct http_head {
	char path[HTTP_PATH_MAX + 1]; /* without query */
	uint64_t content_length;      /* 0 if absent */
	bool keep_alive;
	bool expects_continue; /* the client waits for 100 before it sends the body */
	bool is_json;          /* Content-Type: application/json */
	bool is_head;          /* method HEAD: no body in the answer */
};

/*
 * Length of the head in `text`, with the empty line that ends it; 0 if that
 * has not come yet.
 */
size_t http_head_length(const char *text, size_t length);

/*
 * Parse a head of exactly `length` bytes. 0, or the HTTP status to refuse it
 * with: 400, 411 (a chunked body), 414, 505. Strict, so that no two readers
 * see two different requests: no folded lines, no bare CR or LF, no space
 * before a colon, one Content-Length.
 */
int http_head_parse(const char *text, size_t length, struct http_head *ret);
