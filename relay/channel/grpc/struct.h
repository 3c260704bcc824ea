/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON objects as google.protobuf.Struct and back. A Struct knows only
 * doubles: integers up to 2^53 survive the way, larger ones are refused rather
 * than rounded. Pure.
 */
#pragma once

#include "relay/channel/grpc/hyper.pb-c.h"

#include <jansson.h>

/*
 * Free the result with relay__struct__free_unpacked(). -EINVAL: not an object,
 * or a NUL in a string; -ERANGE: an integer beyond 2^53 or a number that is
 * none; -ELOOP: deeper than GRPC_WIRE_DEPTH_MAX; -ENOMEM.
 */
int grpc_struct_from_json(const json_t *object, Relay__Struct **ret);

/*
 * A new reference. NULL is the empty object. Numbers without a fraction come
 * back as integers. -EBADMSG: a string that is not UTF-8 or holds a NUL, or a
 * number that is none; -ENOMEM. The encoded form must have passed
 * grpc_wire_check(), which bounds the depth.
 */
int grpc_struct_to_json(const Relay__Struct *message, json_t **ret);

/* "text" to a new allocation; empty text is no allocation at all. -ENOMEM. */
int grpc_struct_set_bytes(ProtobufCBinaryData *bytes, const char *text, size_t length);
