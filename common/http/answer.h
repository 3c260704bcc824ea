/* SPDX-License-Identifier: BSD-2-Clause */
/* The head of an HTTP/1.1 answer (RFC 9112). Pure: what is to be said in, text out. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define HTTP_TYPE_JSON "application/json; charset=utf-8"

struct http_answer {
	int status;
	const char *content_type; /* NULL: HTTP_TYPE_JSON */
	const char *headers;      /* more lines, each with its "\r\n"; may be NULL */
};

/* How the asker sees where the body ends. */
enum http_framing {
	HTTP_FRAMING_LENGTH,
	HTTP_FRAMING_CHUNKS,
	HTTP_FRAMING_CLOSE, /* for HTTP/1.0 */
};

/*
 * With the empty line that ends it; `length` counts for HTTP_FRAMING_LENGTH
 * alone. `close`: no further request is taken on this connection. The caller
 * frees. NULL: no memory.
 */
char *http_answer_head(const struct http_answer *answer, enum http_framing framing, size_t length,
		       bool close);

/* "Not Found"; "Error" for a status that this server does not use. */
const char *http_answer_status_text(int status);
