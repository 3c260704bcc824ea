// SPDX-License-Identifier: BSD-2-Clause
#include "common/grpc/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GROW_MIN 4096

void grpc_frame_reader_init(struct grpc_frame_reader *reader, size_t limit)
{
	*reader = (struct grpc_frame_reader){.limit = limit};
}

void grpc_frame_reader_done(struct grpc_frame_reader *reader)
{
	free(reader->body);
	reader->body = NULL;
	reader->capacity = reader->filled = 0;
}

bool grpc_frame_is_partial(const struct grpc_frame_reader *reader)
{
	return reader->n_header > 0;
}

void grpc_frame_header(uint32_t length, uint8_t ret[GRPC_FRAME_HEADER])
{
	ret[0] = 0;
	ret[1] = (uint8_t)(length >> 24);
	ret[2] = (uint8_t)(length >> 16);
	ret[3] = (uint8_t)(length >> 8);
	ret[4] = (uint8_t)length;
}

static int take_header(struct grpc_frame_reader *reader)
{
	const uint8_t *h = reader->header;

	if (h[0] == 1)
		return -EOPNOTSUPP;
	if (h[0] != 0)
		return -EBADMSG;
	reader->length = (size_t)h[1] << 24 | (size_t)h[2] << 16 | (size_t)h[3] << 8 | h[4];
	return reader->length > reader->limit ? -EMSGSIZE : 0;
}

static int reserve(struct grpc_frame_reader *reader, size_t needed)
{
	size_t capacity = reader->capacity ? reader->capacity : GROW_MIN;

	if (needed <= reader->capacity)
		return 0;
	while (capacity < needed)
		capacity *= 2;
	if (capacity > reader->length && reader->length >= needed)
		capacity = reader->length;
	uint8_t *body = realloc(reader->body, capacity);
	if (!body)
		return -ENOMEM;
	reader->body = body;
	reader->capacity = capacity;
	return 0;
}

/* Give the message on and the memory back: most streams carry small messages, rarely. */
static int complete(struct grpc_frame_reader *reader, const uint8_t *data, grpc_frame_message each,
		    void *arg)
{
	int r = each(data, reader->length, arg);

	grpc_frame_reader_done(reader);
	reader->n_header = 0;
	reader->length = 0;
	return r < 0 ? r : 0;
}

static int take_body(struct grpc_frame_reader *reader, const uint8_t *data, size_t length)
{
	int r = reserve(reader, reader->filled + length);

	if (r < 0)
		return r;
	memcpy(reader->body + reader->filled, data, length);
	reader->filled += length;
	return 0;
}

int grpc_frame_read(struct grpc_frame_reader *reader, const uint8_t *data, size_t length,
		    grpc_frame_message each, void *arg)
{
	int r;

	while (length > 0) {
		if (reader->n_header < GRPC_FRAME_HEADER) {
			reader->header[reader->n_header++] = *data++;
			length--;
			if (reader->n_header < GRPC_FRAME_HEADER)
				continue;
			r = take_header(reader);
			if (r < 0)
				return r;
			if (reader->length > 0)
				continue;
		}
		size_t missing = reader->length - reader->filled;
		if (reader->filled == 0 && length >= missing) { /* whole in one piece: no copy */
			r = complete(reader, data, each, arg);
		} else {
			missing = missing < length ? missing : length;
			r = take_body(reader, data, missing);
			if (r == 0 && reader->filled == reader->length)
				r = complete(reader, reader->body, each, arg);
		}
		if (r < 0)
			return r;
		data += missing;
		length -= missing;
	}
	return 0;
}
