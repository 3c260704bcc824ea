// SPDX-License-Identifier: BSD-2-Clause
#include "user/wire/proxy_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct proxy_header header_of(const char *source, const char *destination)
{
	struct proxy_header header = {.has_addresses = true};

	assert_true(addr_parse(source, &header.source, 1) == 1);
	assert_true(addr_parse(destination, &header.destination, 1) == 1);
	return header;
}

static void same_address(const struct addr *addr, const char *text)
{
	char shown[ADDR_TEXT_MAX];

	addr_format(addr, shown);
	assert_string_equal(shown, text);
}

static void test_v2(void **state)
{
	static const char *const pairs[][2] = {
		{"192.0.2.1:5000", "198.51.100.2:443"},
		{"[2001:db8::1]:5000", "[2001:db8::2]:443"},
		{"[::ffff:192.0.2.1]:5000", "198.51.100.2:443"},
	};
	uint8_t bytes[PROXY_HEADER_MAX];
	struct proxy_header parsed;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct proxy_header header = header_of(pairs[i][0], pairs[i][1]);
		strcpy(header.authority, "test.example");
		memcpy(header.unique_id, "17", 2);
		header.unique_length = 2;
		size_t n = proxy_header_write_v2(&header, bytes);
		for (size_t part = 0; part < n; part++)
			assert_int_equal(proxy_header_parse(bytes, part, &parsed), 0);
		assert_int_equal(proxy_header_parse(bytes, n, &parsed), (int)n);
		assert_true(parsed.has_addresses);
		same_address(&parsed.source, i == 1 ? "[2001:db8::1]:5000" : "192.0.2.1:5000");
		assert_string_equal(parsed.authority, "test.example");
		assert_int_equal(parsed.unique_length, 2);
		assert_memory_equal(parsed.unique_id, "17", 2);
	}
}

/* The example of the specification's section 2.2, as HAProxy writes it. */
static void test_v2_vector(void **state)
{
	static const uint8_t vector[] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49,
					 0x54, 0x0a, 0x21, 0x11, 0x00, 0x0c, 127,  0,    0,    1,
					 127,  0,    0,    2,    0x12, 0x34, 0x01, 0xbb};
	struct proxy_header header = header_of("127.0.0.1:4660", "127.0.0.2:443"), parsed;
	uint8_t bytes[PROXY_HEADER_MAX];

	(void)state;
	assert_int_equal(proxy_header_write_v2(&header, bytes), sizeof(vector));
	assert_memory_equal(bytes, vector, sizeof(vector));
	assert_int_equal(proxy_header_parse(vector, sizeof(vector), &parsed), sizeof(vector));
	same_address(&parsed.source, "127.0.0.1:4660");
	same_address(&parsed.destination, "127.0.0.2:443");
}

static void test_local(void **state)
{
	struct proxy_header header = {.has_addresses = false}, parsed;
	uint8_t bytes[PROXY_HEADER_MAX];

	(void)state;
	strcpy(header.authority, "a.b");
	size_t n = proxy_header_write_v2(&header, bytes);
	assert_int_equal(proxy_header_parse(bytes, n, &parsed), (int)n);
	assert_false(parsed.has_addresses);
	assert_string_equal(parsed.authority, "a.b");
}

static void test_v1(void **state)
{
	struct proxy_header header = header_of("192.0.2.1:5000", "198.51.100.2:443"), parsed;
	uint8_t bytes[PROXY_HEADER_MAX];
	static const char *const bad[] = {
		"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n",
		"PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n",
		"PROXY TCP4 ::1 ::2 1 2\r\n",
		"PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n",
		"PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n",
		"PROXY \r\n",
		"GET / HTTP/1.1\r\n",
	};

	(void)state;
	size_t n = proxy_header_write_v1(&header, bytes);
	assert_memory_equal(bytes, "PROXY TCP4 192.0.2.1 198.51.100.2 5000 443\r\n", n);
	for (size_t part = 0; part < n; part++)
		assert_int_equal(proxy_header_parse(bytes, part, &parsed), 0);
	assert_int_equal(proxy_header_parse(bytes, n, &parsed), (int)n);
	same_address(&parsed.source, "192.0.2.1:5000");
	static const char unknown[] = "PROXY UNKNOWN ffff::1 2\r\n";
	assert_int_equal(proxy_header_parse((const uint8_t *)unknown, sizeof(unknown) - 1, &parsed),
			 sizeof(unknown) - 1);
	assert_false(parsed.has_addresses);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
			proxy_header_parse((const uint8_t *)bad[i], strlen(bad[i]), &parsed),
			-EBADMSG);
	/* No line end within the 107 bytes that there may be. */
	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes, "PROXY ", 6);
	assert_int_equal(proxy_header_parse(bytes, 106, &parsed), 0);
	assert_int_equal(proxy_header_parse(bytes, 120, &parsed), -EBADMSG);
}

static void test_every_byte_changed(void **state)
{
	struct proxy_header header = header_of("192.0.2.1:5000", "198.51.100.2:443"), parsed;
	uint8_t bytes[PROXY_HEADER_MAX];

	(void)state;
	strcpy(header.authority, "test.example");
	size_t n = proxy_header_write_v2(&header, bytes);
	for (size_t i = 0; i < n; i++)
		for (int value = 0; value < 256; value++) {
			uint8_t *copy = malloc(n);

			memcpy(copy, bytes, n);
			copy[i] = (uint8_t)value;
			int r = proxy_header_parse(copy, n, &parsed);
			assert_true(r <= (int)n);
			free(copy);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_v2),
		cmocka_unit_test(test_v2_vector),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_v1),
		cmocka_unit_test(test_every_byte_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
