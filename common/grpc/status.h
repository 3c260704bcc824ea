/* SPDX-License-Identifier: BSD-2-Clause */
/* How a call ended: gRPC's status codes, and what other ends mean in their terms. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Status codes, from the gRPC core documentation "Status codes and their use in gRPC". */
enum grpc_status {
	GRPC_OK = 0,
	GRPC_CANCELLED = 1,
	GRPC_UNKNOWN = 2,
	GRPC_INVALID_ARGUMENT = 3,
	GRPC_DEADLINE_EXCEEDED = 4,
	GRPC_PERMISSION_DENIED = 7,
	GRPC_RESOURCE_EXHAUSTED = 8,
	GRPC_UNIMPLEMENTED = 12,
	GRPC_INTERNAL = 13,
	GRPC_UNAVAILABLE = 14,
	GRPC_UNAUTHENTICATED = 16,
};

/* "0" to "16"; anything else is GRPC_UNKNOWN. */
int grpc_status_parse(const char *text, size_t length);
const char *grpc_status_name(int status);
/* What an HTTP status means when the peer is no gRPC server at all. */
int grpc_status_from_http(int http_status);
/* What a reset means for the call; `code` is an HTTP/2 error code. */
int grpc_status_from_reset(uint32_t code);
