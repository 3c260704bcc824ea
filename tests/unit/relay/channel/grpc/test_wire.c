// SPDX-License-Identifier: BSD-2-Clause
/* Bytes by hand; what real encoders make is looked at in test_struct.c. */
#include "relay/channel/grpc/wire.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int check(enum grpc_wire_type type, const char *bytes, size_t length)
{
	return grpc_wire_check(type, (const uint8_t *)bytes, length);
}

#define CHECK(type, literal) check(type, literal, sizeof(literal) - 1)

static void test_good(void **state)
{
	(void)state;
	assert_int_equal(CHECK(GRPC_WIRE_REQUEST, ""), 0);
	/* method "a", params {}, id "b". */
	assert_int_equal(CHECK(GRPC_WIRE_REQUEST, "\x0a\x01"
						  "a\x12\x00\x1a\x01"
						  "b"),
			 0);
	/* A number, a fixed 64 and a fixed 32 under names that nobody knows. */
	assert_int_equal(CHECK(GRPC_WIRE_REQUEST, "\x78\x96\x01\x79"
						  "12345678\x7d"
						  "1234"),
			 0);
	/* Response with an error. */
	assert_int_equal(CHECK(GRPC_WIRE_RESPONSE, "\x1a\x02\x08\x01"), 0);
}

static void test_cut_off(void **state)
{
	(void)state;
	assert_int_equal(CHECK(GRPC_WIRE_REQUEST, "\x0a"), -EBADMSG);
	assert_int_equal(CHECK(GRPC_WIRE_REQUEST, "\x0a\x02"
						  "a"),
			 -EBADMSG);
	assert_int_equal(CHECK(GRPC_WIRE_REQUEST, "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
			 -EBADMSG);
	assert_int_equal(CHECK(GRPC_WIRE_REQUEST, "\x79"
						  "1234567"),
			 -EBADMSG);
	/* Inside a message that is complete. */
	assert_int_equal(CHECK(GRPC_WIRE_REQUEST, "\x12\x02\x0a\x05"), -EBADMSG);
}

static void test_no_such_message(void **state)
{
	(void)state;
	/* Field 0, wire types that are none, a number where a message belongs. */
	assert_int_equal(CHECK(GRPC_WIRE_REQUEST, "\x02\x00"), -EBADMSG);
	assert_int_equal(CHECK(GRPC_WIRE_REQUEST, "\x0b"), -EBADMSG);
	assert_int_equal(CHECK(GRPC_WIRE_REQUEST, "\x0f"), -EBADMSG);
	assert_int_equal(CHECK(GRPC_WIRE_REQUEST, "\x10\x01"), -EBADMSG);
}

/* Merging would cost the square of their number. */
static void test_single_field_twice(void **state)
{
	(void)state;
	assert_int_equal(CHECK(GRPC_WIRE_REQUEST, "\x12\x00\x12\x00"), -EBADMSG);
	assert_int_equal(CHECK(GRPC_WIRE_RESPONSE, "\x1a\x00\x1a\x00"), -EBADMSG);
	/* But a Struct has many fields. */
	assert_int_equal(CHECK(GRPC_WIRE_STRUCT, "\x0a\x00\x0a\x00"), 0);
}

/* A list in a list in a list, from the inside out. */
static int nested(unsigned depth)
{
	uint8_t data[4096];
	size_t at = sizeof(data), n = 0;

	for (unsigned i = 0; i < depth; i++) {
		/* Value { list_value 6 { values 1 ... } }, the innermost without values. */
		if (i > 0) {
			data[--at] = (uint8_t)(n >> 7);
			data[--at] = (uint8_t)(n & 0x7f) | 0x80;
			data[--at] = 0x0a;
			n += 3;
		}
		data[--at] = (uint8_t)(n >> 7);
		data[--at] = (uint8_t)(n & 0x7f) | 0x80;
		data[--at] = 0x32;
		n += 3;
	}
	/* Field { value 2 } of a Struct { fields 1 }. */
	data[--at] = (uint8_t)(n >> 7);
	data[--at] = (uint8_t)(n & 0x7f) | 0x80;
	data[--at] = 0x12;
	n += 3;
	data[--at] = (uint8_t)(n >> 7);
	data[--at] = (uint8_t)(n & 0x7f) | 0x80;
	data[--at] = 0x0a;
	return grpc_wire_check(GRPC_WIRE_STRUCT, data + at, sizeof(data) - at);
}

static void test_depth(void **state)
{
	(void)state;
	assert_int_equal(nested(1), 0);
	assert_int_equal(nested(GRPC_WIRE_DEPTH_MAX), 0);
	assert_int_equal(nested(GRPC_WIRE_DEPTH_MAX + 1), -ELOOP);
}

static void test_number_of_fields(void **state)
{
	size_t most = GRPC_WIRE_FIELDS_MAX;
	char *data = calloc(most + 1, 2);

	(void)state;
	for (size_t i = 0; i <= most; i++)
		data[2 * i] = 0x0a;
	assert_int_equal(check(GRPC_WIRE_STRUCT, data, 2 * most), 0);
	assert_int_equal(check(GRPC_WIRE_STRUCT, data, 2 * (most + 1)), -E2BIG);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_no_such_message),
		cmocka_unit_test(test_single_field_twice),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_number_of_fields),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
