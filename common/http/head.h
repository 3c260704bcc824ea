/* SPDX-License-Identifier: BSD-2-Clause */
/* The head of an HTTP/1.1 request (RFC 9112). Pure: bytes in, result out. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_PATH_MAX 1024
#define HTTP_TYPE_MAX 63

/* One bit each, so that a route can name several. */
enum http_method {
	HTTP_METHOD_GET = 1 << 0,
	HTTP_METHOD_HEAD = 1 << 1, /* no body in the answer */
	HTTP_METHOD_POST = 1 << 2,
	HTTP_METHOD_PUT = 1 << 3,
	HTTP_METHOD_DELETE = 1 << 4,
	HTTP_METHOD_OTHER = 1 << 5, /* any other token */
};
#define HTTP_METHOD_ANY 0x3fu

struct http_head {
	enum http_method method;
	char path[HTTP_PATH_MAX + 1]; /* without query */
	/* As it came, without parameters; empty: none, or longer than anything known. */
	char content_type[HTTP_TYPE_MAX + 1];
	uint64_t content_length; /* 0 if absent */
	bool keep_alive;
	bool expects_continue; /* the client waits for 100 before it sends the body */
	bool is_1_0;           /* HTTP/1.0: knows no chunks */
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

/* "GET"; NULL for HTTP_METHOD_OTHER and for what is not one bit. */
const char *http_method_name(unsigned method);
