/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/tools/lib/hello.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct out {
	uint8_t *buf;
	size_t n;
};

static void put(struct out *out, uint32_t value, int bytes)
{
	while (bytes-- > 0)
		out->buf[out->n++] = (uint8_t)(value >> (8 * bytes));
}

static void put_at(struct out *out, size_t at, uint32_t value, int bytes)
{
	struct out there = {out->buf, at};

	put(&there, value, bytes);
}

int hello_build(uint8_t buf[HELLO_RECORD_MAX], const char *name, size_t size)
{
	struct out out = {buf, 0};
	size_t name_length = strlen(name), extensions;

	if (name_length > 255 || size > HELLO_RECORD_MAX)
		return -EMSGSIZE;
	put(&out, 0x160301, 3);
	put(&out, 0, 2); /* length of the record, below */
	put(&out, 1, 1);
	put(&out, 0, 3); /* length of the message, below */
	put(&out, 0x0303, 2);
	for (int i = 0; i < 32; i++)
		put(&out, (uint32_t)random(), 1);
	put(&out, 32, 1);
	for (int i = 0; i < 32; i++)
		put(&out, (uint32_t)random(), 1);
	put(&out, 6, 2);
	put(&out, 0x1301, 2);
	put(&out, 0x1302, 2);
	put(&out, 0x1303, 2);
	put(&out, 0x0100, 2);
	extensions = out.n;
	put(&out, 0, 2);
	put(&out, 0, 2); /* server_name */
	put(&out, (uint32_t)name_length + 5, 2);
	put(&out, (uint32_t)name_length + 3, 2);
	put(&out, 0, 1);
	put(&out, (uint32_t)name_length, 2);
	memcpy(buf + out.n, name, name_length);
	out.n += name_length;
	put(&out, 43, 2); /* supported_versions */
	put(&out, 3, 2);
	put(&out, 0x020304, 3);
	if (size) {
		if (size < out.n + 4)
			return -EMSGSIZE;
		put(&out, 21, 2); /* padding */
		put(&out, (uint32_t)(size - out.n - 2), 2);
		memset(buf + out.n, 0, size - out.n);
		out.n = size;
	}
	put_at(&out, 3, (uint32_t)out.n - 5, 2);
	put_at(&out, 6, (uint32_t)out.n - 9, 3);
	put_at(&out, extensions, (uint32_t)(out.n - extensions - 2), 2);
	return (int)out.n;
}

int hello_length(const uint8_t *buf, size_t n)
{
	uint8_t head[4];
	size_t message = 0, have = 0, at = 0;

	for (;;) {
		size_t record;

		if (n > at && buf[at] != 0x16)
			return -EBADMSG;
		if (n < at + 5)
			return 0;
		record = (size_t)buf[at + 3] << 8 | buf[at + 4];
		if (record == 0)
			return -EBADMSG;
		if (n < at + 5 + record)
			return 0;
		for (size_t i = 0; i < record && have + i < sizeof(head); i++)
			head[have + i] = buf[at + 5 + i];
		have += record;
		at += 5 + record;
		if (have >= sizeof(head)) {
			if (head[0] != 1)
				return -EBADMSG;
			message = 4 + ((size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3]);
			if (have > message)
				return -EBADMSG;
			if (have == message)
				return (int)at;
		}
	}
}
