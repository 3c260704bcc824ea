/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frame around a gRPC message: a flag byte (1: compressed) and the length
 * in four bytes, big-endian. From "gRPC over HTTP2", Length-Prefixed-Message.
 * Pure: bytes in, messages out, no I/O.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRPC_FRAME_HEADER 5

struct grpc_frame_reader {
	size_t limit; /* bytes of one message */
	uint8_t header[GRPC_FRAME_HEADER];
	size_t n_header;
	uint8_t *body; /* grows as it fills: a length that was only claimed takes no memory */
	size_t capacity;
	size_t filled;
	size_t length;
};

/* A complete message; `data` is valid during the call. A negative return stops the reader. */
typedef int (*grpc_frame_message)(const uint8_t *data, size_t length, void *arg);

void grpc_frame_reader_init(struct grpc_frame_reader *reader, size_t limit);
void grpc_frame_reader_done(struct grpc_frame_reader *reader);

/*
 * Take the next bytes of a stream, cut anywhere. 0, or what `each` returned,
 * or -EMSGSIZE (longer than the limit), -EOPNOTSUPP (compressed), -EBADMSG
 * (unknown flag), -ENOMEM. After a failure the reader can only be freed.
 */
int grpc_frame_read(struct grpc_frame_reader *reader, const uint8_t *data, size_t length,
		    grpc_frame_message each, void *arg);

/* Whether the stream would end inside a message if it ended now. */
bool grpc_frame_is_partial(const struct grpc_frame_reader *reader);

/* The header of an uncompressed message of `length` bytes. */
void grpc_frame_header(uint32_t length, uint8_t ret[GRPC_FRAME_HEADER]);
