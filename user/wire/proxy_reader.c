// SPDX-License-Identifier: BSD-2-Clause
#include "user/wire/proxy_reader.h"

#include "common/base/crc32c.h"
#include "user/wire/proxy_line.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#define VERSION           2
#define COMMAND_LOCAL     0
#define COMMAND_PROXY     1
#define FAMILY_UNSPEC     0
#define FAMILY_INET       1
#define FAMILY_INET6      2
#define FAMILIES          4
#define TRANSPORT_UNSPEC  0
#define TRANSPORTS        3
#define INET_BYTES        12
#define INET6_BYTES       36
#define UNIX_BYTES        216
#define TYPE_AUTHORITY    0x02
#define TYPE_CRC32C       0x03
#define TYPE_UNIQUE_ID    0x05
#define TYPE_LENGTH_BYTES 3
#define CHECKSUM_BYTES    4

/* What there is of the stream; moves forward. */
struct input {
	const uint8_t *bytes;
	size_t left;
};

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static uint8_t take_byte(struct input *input)
{
	input->left--;
	return *input->bytes++;
}

/* To the end of the input, or of the header's part `n`; counts what has gone by. */
static size_t pass(struct proxy_reader *reader, struct input *input, size_t n)
{
	n = least(n, input->left);
	input->bytes += n;
	input->left -= n;
	reader->left -= n;
	return n;
}

/* Gather `wanted` bytes of version 2 in `to`. Whether they are all there. */
static bool gather(struct proxy_reader *reader, struct input *input, void *to, size_t wanted)
{
	const uint8_t *from = input->bytes;
	size_t n = pass(reader, input, wanted - reader->have);

	memcpy((uint8_t *)to + reader->have, from, n);
	reader->have += n;
	if (reader->have < wanted)
		return false;
	reader->have = 0;
	if (reader->step != PROXY_STEP_CHECKSUM)
		reader->checksum = crc32c(reader->checksum, to, wanted);
	return true;
}

/* The next step takes `part` bytes; there is none that takes nothing. */
static void enter(struct proxy_reader *reader, enum proxy_step step, size_t part)
{
	reader->step = part > 0 ? step : PROXY_STEP_TYPE;
	reader->part = part;
}

/* Where a header is loose, what is not understood is not known to be wrong. */
static int fail(struct proxy_reader *reader)
{
	if (!reader->is_loose)
		return -EBADMSG;
	reader->header = (struct proxy_header){0};
	reader->has_checksum = false;
	enter(reader, PROXY_STEP_SKIP, reader->left);
	return 0;
}

static int take_line(struct proxy_reader *reader, struct input *input)
{
	while (input->left > 0) {
		uint8_t c = take_byte(input);
		bool after_cr = reader->have > 0 && reader->piece[reader->have - 1] == '\r';

		if (after_cr != (c == '\n') || c == '\0')
			return -EBADMSG;
		if (c == '\n') {
			reader->piece[reader->have - 1] = '\0';
			int r = proxy_line_parse((char *)reader->piece, &reader->header);
			return r < 0 ? r : 1;
		}
		reader->piece[reader->have++] = c;
		if (reader->have == PROXY_V1_MAX)
			return -EBADMSG;
	}
	return 0;
}

/* Each version begins with bytes of its own; the first tells them apart. */
static int take_begin(struct proxy_reader *reader, struct input *input)
{
	while (input->left > 0) {
		uint8_t c = take_byte(input);
		bool is_line = (reader->have == 0 ? c : reader->piece[0]) == PROXY_LINE_BEGIN[0];
		const void *begin = is_line ? (const void *)PROXY_LINE_BEGIN : PROXY_V2_SIGNATURE;
		size_t length = is_line ? strlen(PROXY_LINE_BEGIN) : PROXY_V2_SIGNED;

		if (c != ((const uint8_t *)begin)[reader->have])
			return -EBADMSG;
		reader->piece[reader->have++] = c;
		if (reader->have == length) {
			reader->step = is_line ? PROXY_STEP_LINE : PROXY_STEP_FIXED;
			reader->left = PROXY_V2_FIXED - PROXY_V2_SIGNED;
			return 0;
		}
	}
	return 0;
}

static int take_fixed(struct proxy_reader *reader, struct input *input)
{
	static const size_t sizes[FAMILIES] = {0, INET_BYTES, INET6_BYTES, UNIX_BYTES};
	const uint8_t *fixed = reader->piece;

	if (!gather(reader, input, reader->piece, PROXY_V2_FIXED))
		return 0;
	unsigned command = fixed[12] & 15, family = fixed[13] >> 4, transport = fixed[13] & 15;

	reader->left = (size_t)fixed[14] << 8 | fixed[15];
	reader->is_local = command == COMMAND_LOCAL;
	reader->is_loose =
		reader->is_local || family == FAMILY_UNSPEC || transport == TRANSPORT_UNSPEC;
	if (fixed[12] >> 4 != VERSION || command > COMMAND_PROXY)
		return -EBADMSG;
	if (family >= FAMILIES || transport >= TRANSPORTS)
		return reader->is_local ? fail(reader) : -EBADMSG;
	if (sizes[family] > reader->left)
		return fail(reader);
	bool is_ip = family == FAMILY_INET || family == FAMILY_INET6;
	enter(reader, is_ip && !reader->is_loose ? PROXY_STEP_ADDRESSES : PROXY_STEP_SKIP,
	      sizes[family]);
	return 0;
}

static void set_v4(struct addr *addr, const uint8_t *ip, const uint8_t *port)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&addr->sa;

	in->sin_family = AF_INET;
	memcpy(&in->sin_addr, ip, sizeof(in->sin_addr));
	memcpy(&in->sin_port, port, sizeof(in->sin_port));
	addr->len = sizeof(*in);
}

static void set_v6(struct addr *addr, const uint8_t *ip, const uint8_t *port)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&addr->sa;

	in6->sin6_family = AF_INET6;
	memcpy(&in6->sin6_addr, ip, sizeof(in6->sin6_addr));
	memcpy(&in6->sin6_port, port, sizeof(in6->sin6_port));
	addr->len = sizeof(*in6);
}

static void take_addresses(struct proxy_reader *reader, struct input *input)
{
	struct proxy_header *header = &reader->header;
	const uint8_t *a = reader->piece;

	if (!gather(reader, input, reader->piece, reader->part))
		return;
	if (reader->part == INET_BYTES) {
		set_v4(&header->source, a, a + 8);
		set_v4(&header->destination, a + 4, a + 10);
	} else {
		set_v6(&header->source, a, a + 32);
		set_v6(&header->destination, a + 16, a + 34);
	}
	header->has_addresses = true;
	reader->step = PROXY_STEP_TYPE;
}

static int take_type(struct proxy_reader *reader, struct input *input)
{
	const uint8_t *head = reader->piece;

	if (reader->have + reader->left < TYPE_LENGTH_BYTES)
		return fail(reader);
	if (!gather(reader, input, reader->piece, TYPE_LENGTH_BYTES))
		return 0;
	size_t length = (size_t)head[1] << 8 | head[2];
	enum proxy_step step = PROXY_STEP_SKIP;

	if (length > reader->left)
		return fail(reader);
	if (head[0] == TYPE_AUTHORITY) {
		/* No limit is set to it, but what is longer is no name that we could serve. */
		reader->header.authority[0] = '\0';
		if (length <= PROXY_NAME_MAX)
			step = PROXY_STEP_AUTHORITY;
	} else if (head[0] == TYPE_UNIQUE_ID) {
		if (length > PROXY_UNIQUE_MAX)
			return fail(reader);
		reader->header.unique_length = 0;
		step = PROXY_STEP_UNIQUE_ID;
	} else if (head[0] == TYPE_CRC32C) {
		if (length != CHECKSUM_BYTES || reader->has_checksum)
			return fail(reader);
		step = PROXY_STEP_CHECKSUM;
	}
	enter(reader, step, length);
	return 0;
}

static void take_authority(struct proxy_reader *reader, struct input *input)
{
	char *name = reader->header.authority;

	if (!gather(reader, input, name, reader->part))
		return;
	/* A name with a zero in it would be read as another one. */
	name[memchr(name, '\0', reader->part) ? 0 : reader->part] = '\0';
	reader->step = PROXY_STEP_TYPE;
}

static void take_unique_id(struct proxy_reader *reader, struct input *input)
{
	if (!gather(reader, input, reader->header.unique_id, reader->part))
		return;
	reader->header.unique_length = reader->part;
	reader->step = PROXY_STEP_TYPE;
}

/* Section 2.2.3: of the whole header, with zeros where the checksum stands. */
static void take_checksum(struct proxy_reader *reader, struct input *input)
{
	static const uint8_t zeros[CHECKSUM_BYTES];
	const uint8_t *c = reader->piece;

	if (!gather(reader, input, reader->piece, CHECKSUM_BYTES))
		return;
	reader->checksum = crc32c(reader->checksum, zeros, sizeof(zeros));
	reader->told = (uint32_t)c[0] << 24 | (uint32_t)c[1] << 16 | (uint32_t)c[2] << 8 | c[3];
	reader->has_checksum = true;
	reader->step = PROXY_STEP_TYPE;
}

static void skip(struct proxy_reader *reader, struct input *input)
{
	const uint8_t *from = input->bytes;
	size_t n = pass(reader, input, reader->part);

	reader->checksum = crc32c(reader->checksum, from, n);
	reader->part -= n;
	if (reader->part == 0)
		reader->step = PROXY_STEP_TYPE;
}

/* 0: this step, or a part of it, is done. 1: the header, a line, is complete. */
static int take_step(struct proxy_reader *reader, struct input *input)
{
	switch (reader->step) {
	case PROXY_STEP_BEGIN:
		return take_begin(reader, input);
	case PROXY_STEP_LINE:
		return take_line(reader, input);
	case PROXY_STEP_FIXED:
		return take_fixed(reader, input);
	case PROXY_STEP_ADDRESSES:
		take_addresses(reader, input);
		return 0;
	case PROXY_STEP_TYPE:
		return take_type(reader, input);
	case PROXY_STEP_AUTHORITY:
		take_authority(reader, input);
		return 0;
	case PROXY_STEP_UNIQUE_ID:
		take_unique_id(reader, input);
		return 0;
	case PROXY_STEP_CHECKSUM:
		take_checksum(reader, input);
		return 0;
	case PROXY_STEP_SKIP:
		skip(reader, input);
		return 0;
	}
	return -EBADMSG;
}

/* At its end, and between two TLVs. */
static bool is_complete(const struct proxy_reader *reader)
{
	return reader->step == PROXY_STEP_TYPE && reader->have == 0 && reader->left == 0;
}

static int check(const struct proxy_reader *reader)
{
	bool checked = reader->has_checksum && !reader->is_local;

	return checked && reader->told != reader->checksum ? -EILSEQ : 1;
}

int proxy_reader_take(struct proxy_reader *reader, const uint8_t *bytes, size_t length,
		      size_t *ret_taken)
{
	struct input input = {bytes, length};
	int r = 0;

	while (r == 0 && input.left > 0) {
		r = take_step(reader, &input);
		if (r == 0 && is_complete(reader))
			r = check(reader);
	}
	*ret_taken = length - input.left;
	return r;
}

int proxy_header_parse(const uint8_t *bytes, size_t length, struct proxy_header *ret)
{
	struct proxy_reader reader = {0};
	size_t taken = 0;

	int r = proxy_reader_take(&reader, bytes, length, &taken);
	if (r <= 0)
		return r;
	*ret = reader.header;
	return (int)taken;
}
