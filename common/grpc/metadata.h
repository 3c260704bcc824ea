/* SPDX-License-Identifier: BSD-2-Clause */
/* The text that gRPC puts into HTTP/2 headers and trailers. From "gRPC over HTTP2". Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRPC_TEXT_MAX    1024 /* bytes of a status message that are shown or sent */
#define GRPC_ENCODED_MAX (3 * GRPC_TEXT_MAX + 1)
#define GRPC_TIMEOUT_MAX 12

/* A status message as the grpc-message trailer carries it, cut at GRPC_TEXT_MAX bytes. */
void grpc_percent_encode(const char *text, char ret[GRPC_ENCODED_MAX]);
/* Back, as UTF-8 fit for a log line: control bytes become '?', bad escapes stay as they are. */
void grpc_percent_decode(const char *encoded, size_t length, char ret[GRPC_TEXT_MAX + 1]);

/* grpc-timeout: up to eight digits and a unit. Milliseconds, at least 1, capped at a day. -EINVAL.
 */
int grpc_timeout_parse(const char *text, size_t length, unsigned *ret_ms);
void grpc_timeout_format(unsigned ms, char ret[GRPC_TIMEOUT_MAX]);

/* application/grpc, with or without "+proto" or parameters. */
bool grpc_content_type_ok(const char *text, size_t length);
