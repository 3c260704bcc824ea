// SPDX-License-Identifier: BSD-2-Clause
#include "common/grpc/frame.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LIMIT 1000

struct seen {
	size_t n;
	size_t lengths[8];
	uint8_t bytes[4 * LIMIT];
	size_t n_bytes;
	int answer;
};

static int take(const uint8_t *data, size_t length, void *arg)
{
	struct seen *seen = arg;

	assert_true(seen->n < 8);
	seen->lengths[seen->n++] = length;
	memcpy(seen->bytes + seen->n_bytes, data, length);
	seen->n_bytes += length;
	return seen->answer;
}

/* Messages of 0, 1, 300 and 0 bytes. */
static size_t sample(uint8_t *ret)
{
	static const uint32_t lengths[] = {0, 1, 300, 0};
	size_t n = 0;

	for (size_t i = 0; i < 4; i++) {
		grpc_frame_header(lengths[i], ret + n);
		n += GRPC_FRAME_HEADER;
		for (uint32_t j = 0; j < lengths[i]; j++)
			ret[n++] = (uint8_t)j;
	}
	return n;
}

static void check(const struct seen *seen)
{
	assert_int_equal(seen->n, 4);
	assert_int_equal(seen->lengths[0], 0);
	assert_int_equal(seen->lengths[1], 1);
	assert_int_equal(seen->lengths[2], 300);
	assert_int_equal(seen->lengths[3], 0);
	for (size_t i = 0; i < 300; i++)
		assert_int_equal(seen->bytes[1 + i], i & 0xff);
}

static void test_every_split(void **state)
{
	uint8_t data[512];
	size_t n = sample(data);

	(void)state;
	for (size_t cut = 0; cut <= n; cut++) {
		struct grpc_frame_reader reader;
		struct seen seen = {0};
		grpc_frame_reader_init(&reader, LIMIT);
		assert_int_equal(grpc_frame_read(&reader, data, cut, take, &seen), 0);
		assert_int_equal(grpc_frame_read(&reader, data + cut, n - cut, take, &seen), 0);
		assert_false(grpc_frame_is_partial(&reader));
		check(&seen);
		grpc_frame_reader_done(&reader);
	}
}

static void test_byte_by_byte(void **state)
{
	struct grpc_frame_reader reader;
	struct seen seen = {0};
	uint8_t data[512];
	size_t n = sample(data);

	(void)state;
	grpc_frame_reader_init(&reader, LIMIT);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(grpc_frame_read(&reader, data + i, 1, take, &seen), 0);
	check(&seen);
	grpc_frame_reader_done(&reader);
}

static int read_header(uint8_t flag, uint32_t length)
{
	struct grpc_frame_reader reader;
	struct seen seen = {0};
	uint8_t header[GRPC_FRAME_HEADER];

	grpc_frame_reader_init(&reader, LIMIT);
	grpc_frame_header(length, header);
	header[0] = flag;
	int r = grpc_frame_read(&reader, header, sizeof(header), take, &seen);
	if (r == 0)
		assert_true(length == 0 || grpc_frame_is_partial(&reader));
	assert_int_equal(reader.capacity, 0); /* a claim takes no memory */
	grpc_frame_reader_done(&reader);
	return r;
}

static void test_limits(void **state)
{
	(void)state;
	assert_int_equal(read_header(0, LIMIT), 0);
	assert_int_equal(read_header(0, LIMIT + 1), -EMSGSIZE);
	assert_int_equal(read_header(0, UINT32_MAX), -EMSGSIZE);
	assert_int_equal(read_header(1, 10), -EOPNOTSUPP);
	assert_int_equal(read_header(2, 10), -EBADMSG);
}

static void test_stopped(void **state)
{
	struct grpc_frame_reader reader;
	struct seen seen = {.answer = -ECANCELED};
	uint8_t data[512];
	size_t n = sample(data);

	(void)state;
	grpc_frame_reader_init(&reader, LIMIT);
	assert_int_equal(grpc_frame_read(&reader, data, n, take, &seen), -ECANCELED);
	assert_int_equal(seen.n, 1);
	grpc_frame_reader_done(&reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_split),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
