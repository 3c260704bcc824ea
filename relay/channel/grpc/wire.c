// SPDX-License-Identifier: BSD-2-Clause
#include "relay/channel/grpc/wire.h"

#include <errno.h>
#include <stdbool.h>

/* Wire types of the protobuf encoding. */
enum {
	WIRE_VARINT = 0,
	WIRE_I64 = 1,
	WIRE_LEN = 2,
	WIRE_I32 = 5,
};

/* Messages that hold messages; NONE stands for bytes and numbers. */
enum kind {
	NONE,
	REQUEST,
	RESPONSE,
	ERROR,
	STRUCT,
	FIELD,
	VALUE,
	LIST,
};

#define N_NUMBERS 7

static const enum kind nested[][N_NUMBERS] = {
	[REQUEST] = {[2] = STRUCT}, [RESPONSE] = {[2] = STRUCT, [3] = ERROR},
	[ERROR] = {[3] = STRUCT},   [STRUCT] = {[1] = FIELD},
	[FIELD] = {[2] = VALUE},    [VALUE] = {[5] = STRUCT, [6] = LIST},
	[LIST] = {[1] = VALUE},
};

struct input {
	const uint8_t *data;
	size_t length;
};

struct scan {
	size_t fields;
	unsigned depth;
};

static int read_varint(struct input *in, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		if (in->length == 0)
			return -EBADMSG;
		uint8_t byte = *in->data++;
		in->length--;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*ret = value;
			return 0;
		}
	}
	return -EBADMSG;
}

static int read_field(struct input *in, uint64_t *ret_number, struct input *ret_payload,
		      bool *ret_is_length)
{
	uint64_t tag, size;

	int r = read_varint(in, &tag);
	if (r < 0)
		return r;
	switch (tag & 7) {
	case WIRE_VARINT:
		r = read_varint(in, &size);
		size = 0;
		break;
	case WIRE_I64:
		size = 8;
		break;
	case WIRE_LEN:
		r = read_varint(in, &size);
		break;
	case WIRE_I32:
		size = 4;
		break;
	default:
		return -EBADMSG;
	}
	if (r < 0 || size > in->length)
		return -EBADMSG;
	*ret_number = tag >> 3;
	*ret_payload = (struct input){in->data, (size_t)size};
	*ret_is_length = (tag & 7) == WIRE_LEN;
	in->data += size;
	in->length -= (size_t)size;
	return 0;
}

static int check(struct scan *scan, enum kind kind, struct input in)
{
	bool seen[N_NUMBERS] = {false};
	int r = 0;

	if (kind == VALUE && ++scan->depth > GRPC_WIRE_DEPTH_MAX)
		return -ELOOP;
	while (in.length > 0 && r == 0) {
		struct input payload;
		bool is_length;
		uint64_t number;

		if (++scan->fields > GRPC_WIRE_FIELDS_MAX)
			return -E2BIG;
		r = read_field(&in, &number, &payload, &is_length);
		if (r < 0)
			return r;
		if (number == 0)
			return -EBADMSG;
		if (number >= N_NUMBERS)
			continue;
		enum kind inner = nested[kind][number];
		if (inner == NONE)
			continue;
		if (!is_length)
			return -EBADMSG;
		/* Merging the second with the first would cost the square of their number. */
		if (kind != STRUCT && kind != LIST && seen[number])
			return -EBADMSG;
		seen[number] = true;
		r = check(scan, inner, payload);
	}
	if (kind == VALUE)
		scan->depth--;
	return r;
}

int grpc_wire_check(enum grpc_wire_type type, const uint8_t *data, size_t length)
{
	static const enum kind kinds[] = {
		[GRPC_WIRE_REQUEST] = REQUEST,
		[GRPC_WIRE_RESPONSE] = RESPONSE,
		[GRPC_WIRE_STRUCT] = STRUCT,
	};
	struct scan scan = {0};

	return check(&scan, kinds[type], (struct input){data, length});
}
