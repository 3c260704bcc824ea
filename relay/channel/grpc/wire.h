/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A look over an encoded Request or Response before protobuf-c decodes it:
 * protobuf-c recurses for every nested message, allocates for every field and
 * merges repeated ones, all without a limit of its own. Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define GRPC_WIRE_DEPTH_MAX  64      /* nested objects and lists */
#define GRPC_WIRE_FIELDS_MAX 262144u /* fields in all; a value takes one to three */

enum grpc_wire_type {
	GRPC_WIRE_REQUEST,
	GRPC_WIRE_RESPONSE,
	GRPC_WIRE_STRUCT,
};

/*
 * 0, -EBADMSG (not such a message, or a single field twice), -E2BIG (more
 * fields than the limit), or -ELOOP (deeper than the limit).
 */
int grpc_wire_check(enum grpc_wire_type type, const uint8_t *data, size_t length);
