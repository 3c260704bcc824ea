// SPDX-License-Identifier: BSD-2-Clause
#include "user/wire/proxy_reader.h"

#include "common/base/crc32c.h"
#include "tests/unit/user/wire/proxy_vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VECTORS     (sizeof(proxy_vectors) / sizeof(proxy_vectors[0]))
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* A header of version 2 that is being made. */
static uint8_t made[PROXY_V2_MAX + 1];
static size_t n_made;

static void add(const void *bytes, size_t n)
{
	memcpy(made + n_made, bytes, n);
	n_made += n;
	made[14] = (uint8_t)((n_made - PROXY_V2_FIXED) >> 8);
	made[15] = (uint8_t)(n_made - PROXY_V2_FIXED);
}

static void begin(uint8_t command, uint8_t family, const void *addresses, size_t n)
{
	memcpy(made, PROXY_V2_SIGNATURE, PROXY_V2_SIGNED);
	made[12] = command;
	made[13] = family;
	n_made = PROXY_V2_FIXED;
	add(addresses, n);
}

/* 192.0.2.1:5000 to 198.51.100.2:443 */
static void begin_v4(void)
{
	static const uint8_t addresses[] = {192, 0, 2, 1, 198, 51, 100, 2, 0x13, 0x88, 1, 0xbb};

	begin(0x21, 0x11, addresses, sizeof(addresses));
}

static void add_tlv(uint8_t type, const void *value, size_t n)
{
	const uint8_t head[] = {type, (uint8_t)(n >> 8), (uint8_t)n};

	add(head, sizeof(head));
	add(value, n);
}

/* The checksum at `at` bytes from the start, over all that there is. */
static void set_checksum(size_t at)
{
	memset(made + at, 0, 4);
	uint32_t sum = crc32c(0, made, n_made);
	for (int i = 0; i < 4; i++)
		made[at + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
}

static int parse_made(struct proxy_header *ret)
{
	return proxy_header_parse(made, n_made, ret);
}

/* Fed `size` bytes at a time, each piece on the heap, so that a sanitizer sees each step too far.
 */
static int feed(const uint8_t *bytes, size_t length, size_t size, struct proxy_header *ret)
{
	struct proxy_reader reader = {0};
	size_t all = 0;
	int r = 0;

	while (r == 0 && all < length) {
		size_t n = length - all < size ? length - all : size, taken = 0;

		if (n == 0)
			return -EINVAL; /* they would never end */
		uint8_t *piece = malloc(n);

		memcpy(piece, bytes + all, n);
		r = proxy_reader_take(&reader, piece, n, &taken);
		free(piece);
		assert_true(taken <= n);
		if (r == 0)
			assert_int_equal(taken, n);
		all += taken;
	}
	*ret = reader.header;
	return r == 1 ? (int)all : r;
}

static void same_end(const struct addr *addr, const char *text)
{
	struct addr wanted;
	char shown[ADDR_TEXT_MAX], meant[ADDR_TEXT_MAX];

	assert_int_equal(addr_parse(text, &wanted, 1), 1);
	addr_format(addr, shown);
	addr_format(&wanted, meant);
	assert_string_equal(shown, meant);
	assert_int_equal(addr->len, wanted.len);
}

static void same(const struct proxy_header *header, const struct proxy_vector *vector)
{
	assert_int_equal(header->has_addresses, vector->source != NULL);
	if (vector->source) {
		same_end(&header->source, vector->source);
		same_end(&header->destination, vector->destination);
	}
	assert_string_equal(header->authority, vector->authority);
	assert_int_equal(header->unique_length, strlen(vector->unique_id));
	assert_memory_equal(header->unique_id, vector->unique_id, header->unique_length);
}

static void test_what_products_send(void **state)
{
	(void)state;
	for (size_t i = 0; i < VECTORS; i++) {
		const struct proxy_vector *vector = &proxy_vectors[i];
		size_t n = vector->length;
		struct proxy_header header;
		uint8_t *followed = malloc(n + 3);

		memcpy(followed, vector->bytes, n);
		memcpy(followed + n, "\x16\x03\x01", 3);
		for (size_t size = 1; size <= n + 3; size++) {
			assert_int_equal(feed(followed, n + 3, size, &header), n);
			same(&header, vector);
		}
		for (size_t part = 0; part < n; part++)
			assert_int_equal(proxy_header_parse(followed, part, &header), 0);
		assert_int_equal(proxy_header_parse(followed, n + 3, &header), n);
		same(&header, vector);
		free(followed);
	}
}

/* The receiver "must discard the protocol block including the family": whatever it holds. */
static void test_of_local_all_is_skipped(void **state)
{
	struct proxy_header header;
	uint8_t body[600];

	(void)state;
	srandom(1);
	for (int round = 0; round < 20000; round++) {
		size_t n = (size_t)random() % sizeof(body);

		for (size_t i = 0; i < n; i++)
			body[i] = (uint8_t)random();
		/* Often what looks like a checksum, which cannot be right. */
		if (n > 20 && round % 2)
			memcpy(body + (round % 4 == 1 ? 0 : 12), "\x03\x00\x04", 3);
		begin(0x20, (uint8_t)round, body, n);
		assert_int_equal(parse_made(&header), n_made);
		assert_false(header.has_addresses);
	}
}

static void test_families(void **state)
{
	static const size_t sizes[] = {0, 12, 36, 216};
	uint8_t body[216] = {1, 2, 3, 4};
	struct proxy_header header;

	(void)state;
	for (unsigned byte = 0; byte < 256; byte++) {
		unsigned family = byte >> 4, transport = byte & 15;
		bool is_valid = family < 4 && transport < 3;
		bool is_ip = (family == 1 || family == 2) && transport > 0;

		begin(0x21, (uint8_t)byte, body, is_valid ? sizes[family] : 0);
		add_tlv(2, "a.example", 9);
		assert_int_equal(parse_made(&header), is_valid ? (int)n_made : -EBADMSG);
		if (!is_valid)
			continue;
		assert_int_equal(header.has_addresses, is_ip);
		assert_string_equal(header.authority, "a.example");
		/* Its addresses do not fit. Where they are none of ours to read, that is no matter.
		 */
		bool is_loose = family == 0 || transport == 0;
		begin(0x21, (uint8_t)byte, body, sizes[family] ? sizes[family] - 1 : 0);
		assert_int_equal(parse_made(&header), is_loose ? (int)n_made : -EBADMSG);
		assert_false(is_loose && header.has_addresses);
	}
	for (unsigned byte = 0; byte < 256; byte++) {
		begin_v4();
		made[12] = (uint8_t)byte;
		bool is_valid = byte == 0x20 || byte == 0x21;
		assert_int_equal(parse_made(&header), is_valid ? (int)n_made : -EBADMSG);
	}
}

/* A client without an address, whose sender adds bytes of its own: nothing is wrong with them. */
static void test_unspec_may_hold_anything(void **state)
{
	struct proxy_header header;

	(void)state;
	begin(0x21, 0x00,
	      "\x02\x00\x01"
	      "a\x02\xff\xff...",
	      10);
	assert_int_equal(parse_made(&header), n_made);
	assert_string_equal(header.authority, "");
	begin(0x21, 0x00, "?", 1);
	assert_int_equal(parse_made(&header), n_made);
	/* But a checksum that can be read is read. */
	begin(0x21, 0x00, "", 0);
	add_tlv(3, "\0\0\0\0", 4);
	assert_int_equal(parse_made(&header), -EILSEQ);
	set_checksum(PROXY_V2_FIXED + 3);
	assert_int_equal(parse_made(&header), n_made);
}

static void test_tlvs_end_with_the_header(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} bad[] = {
		{"\x04", 1},
		{"\x04\x00", 2},
		{"\x04\x00\x01", 3},
		{"\x04\x00\x02z", 4},
		{"\x04\xff\xffzz", 5},
		{"\x04\x00\x00\xee", 4},
		{"\x02\x00\x05"
		 "four",
		 7},
		{"\x03\x00\x03zzz", 6},
		{"\x03\x00\x05zzzzz", 8},
		{"\x03\x00\x00", 3},
	};
	struct proxy_header header;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		begin_v4();
		add(bad[i].bytes, bad[i].n);
		assert_int_equal(parse_made(&header), -EBADMSG);
		for (size_t size = 1; size < n_made; size++)
			assert_int_equal(feed(made, n_made, size, &header), -EBADMSG);
	}
	begin_v4();
	add_tlv(4, "", 0);
	add_tlv(2, "", 0);
	add_tlv(5, "", 0);
	assert_int_equal(parse_made(&header), n_made);
	assert_string_equal(header.authority, "");
	assert_int_equal(header.unique_length, 0);
}

static void test_what_is_kept(void **state)
{
	struct proxy_header header;
	char value[300];

	(void)state;
	memset(value, 'x', sizeof(value));
	begin_v4();
	add_tlv(2, value, 255);
	add_tlv(5, value, 128);
	assert_int_equal(parse_made(&header), n_made);
	assert_int_equal(strlen(header.authority), 255);
	assert_int_equal(header.unique_length, 128);
	/* The specification has a limit for the id, and none for the name. */
	begin_v4();
	add_tlv(5, value, 129);
	assert_int_equal(parse_made(&header), -EBADMSG);
	begin_v4();
	add_tlv(2, value, 256);
	add_tlv(5, value, 1);
	assert_int_equal(parse_made(&header), n_made);
	assert_string_equal(header.authority, "");
	assert_int_equal(header.unique_length, 1);
	begin_v4();
	add_tlv(2, "evil.example\0.org", 17);
	assert_int_equal(parse_made(&header), n_made);
	assert_string_equal(header.authority, "");
	same_end(&header.source, "192.0.2.1:5000");
}

static void test_checksum(void **state)
{
	struct proxy_header header;

	(void)state;
	for (int after = 0; after < 2; after++) {
		begin_v4();
		if (!after)
			add_tlv(2, "a.example", 9);
		size_t at = n_made + 3;
		add_tlv(3, "\0\0\0\0", 4);
		if (after)
			add_tlv(2, "a.example", 9);
		set_checksum(at);
		for (size_t size = 1; size <= n_made; size++)
			assert_int_equal(feed(made, n_made, size, &header), n_made);
		assert_string_equal(header.authority, "a.example");
		/* Of each byte but those that say where the checksum stands, and what is a TLV. */
		for (size_t i = 14; i < n_made; i++) {
			bool is_head = (i >= 28 && i < 31) || (i + 3 >= at && i < at) ||
				       (i >= at + 4 && i < at + 7);
			for (unsigned bit = 1; bit < 256 && !is_head; bit <<= 1) {
				made[i] ^= (uint8_t)bit;
				int r = parse_made(&header);
				/* A longer one is waited for. */
				assert_true(r < 0 || (r == 0 && i < 16));
				made[i] ^= (uint8_t)bit;
			}
		}
		made[20] ^= 1;
		assert_int_equal(parse_made(&header), -EILSEQ);
		made[20] ^= 1;
		/* Of two, which would be meant? */
		add_tlv(3, "\0\0\0\0", 4);
		assert_int_equal(parse_made(&header), -EBADMSG);
	}
}

static void test_largest(void **state)
{
	static const size_t pieces[] = {1, 2, 3, 7, 536, 1460, 4096, 65535, 65536, PROXY_V2_MAX};
	static uint8_t filler[PROXY_V2_MAX];
	struct proxy_header header;

	(void)state;
	memset(filler, 0x5a, sizeof(filler));
	begin_v4();
	size_t checksum = n_made + 3;
	add_tlv(3, "\0\0\0\0", 4);
	/* One that is larger than any buffer, many small ones, and at the end what is wanted. */
	add_tlv(0xe1, filler, 40000);
	while (n_made < 65000)
		add_tlv(0xe2, filler, n_made % 29);
	add_tlv(0x20, filler, PROXY_V2_MAX - 3 - (3 + 14) - (3 + 5) - n_made);
	add_tlv(2, "_x.example.org", 14);
	add_tlv(5, "12345", 5);
	assert_int_equal(n_made, PROXY_V2_MAX);
	set_checksum(checksum);
	for (size_t i = 0; i < COUNT(pieces); i++) {
		assert_int_equal(feed(made, n_made, pieces[i], &header), n_made);
		same_end(&header.source, "192.0.2.1:5000");
		assert_string_equal(header.authority, "_x.example.org");
		assert_memory_equal(header.unique_id, "12345", 5);
	}
	made[30000] ^= 1;
	for (size_t i = 0; i < COUNT(pieces); i++)
		assert_int_equal(feed(made, n_made, pieces[i], &header), -EILSEQ);
	/* LOCAL, which may be as long. */
	begin(0x20, 0xff, filler, UINT16_MAX);
	for (size_t i = 0; i < COUNT(pieces); i++)
		assert_int_equal(feed(made, n_made, pieces[i], &header), n_made);
	/* What is kept while it arrives. */
	assert_true(sizeof(struct proxy_reader) <= 1024);
}

static void test_lines(void **state)
{
	static const struct {
		const uint8_t *bytes;
		size_t n;
	} bad[] = {
		{BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n")},
		{BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\r\n")},
		{BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1\r2\r\n")},
		{BYTES("PROXY UNKNOWN\n\r\n")},
		{BYTES("PROXY UNKNOWN \0\r\n")},
		{BYTES("PROXY UNKNOWNX\r\n")},
		{BYTES("PROXY UNKNOW\r\n")},
		{BYTES("PROXY unknown\r\n")},
		{BYTES("PROXY  UNKNOWN\r\n")},
		{BYTES("PROXY\tUNKNOWN\r\n")},
		{BYTES("PROXY\r\n")},
		{BYTES("PROXY \r\n")},
		{BYTES("proxy UNKNOWN\r\n")},
		{BYTES("PROXY TCP4\r\n")},
		{BYTES("PROXY TCP4 192.0.2.1\r\n")},
		{BYTES("PROXY TCP4 192.0.2.1 192.0.2.2\r\n")},
		{BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n")},
		{BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n")},
		{BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n")},
		{BYTES("PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n")},
		{BYTES("PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n")},
		{BYTES("PROXY TCP4 192.0.2.1\t192.0.2.2 1 2\r\n")},
		{BYTES("PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n")},
		{BYTES("PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n")},
		{BYTES("PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n")},
		{BYTES("PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n")},
		{BYTES("PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n")},
		{BYTES("PROXY TCP6 fe80::1%lo 2001:db8::2 1 2\r\n")},
		{BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n")},
		{BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n")},
		{BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n")},
		{BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 000001\r\n")},
		{BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 0x1\r\n")},
		{BYTES("PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n")},
		{BYTES("PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n")},
	};
	struct proxy_header header;
	char line[120];

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(proxy_header_parse(bad[i].bytes, bad[i].n, &header), -EBADMSG);
		assert_int_equal(feed(bad[i].bytes, bad[i].n, 1, &header), -EBADMSG);
	}
	/* With its CR LF 107 bytes, and one more. */
	memset(line, 'x', sizeof(line));
	memcpy(line, "PROXY UNKNOWN ", 14);
	memcpy(line + 105, "\r\n", 2);
	assert_int_equal(proxy_header_parse((uint8_t *)line, 107, &header), 107);
	memcpy(line + 105, "x\r\n", 3);
	assert_int_equal(proxy_header_parse((uint8_t *)line, 108, &header), -EBADMSG);
	assert_int_equal(proxy_header_parse((uint8_t *)line, 107, &header), -EBADMSG);
}

/* Neither is waited for any longer than it can be one. */
static void test_none_is_known_at_once(void **state)
{
	static const struct {
		const uint8_t *bytes;
		size_t n;
	} bad[] = {
		{BYTES("\x16")},
		{BYTES("G")},
		{BYTES("PRI")},
		{BYTES("\r\n\r\n\r")},
		{BYTES("\r\n\r\n\0\r\nQUIT\r")},
		{BYTES("PROXYv")},
	};
	struct proxy_header header;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(proxy_header_parse(bad[i].bytes, bad[i].n, &header), -EBADMSG);
	assert_int_equal(proxy_header_parse((const uint8_t *)"", 0, &header), 0);
}

/* Fed in pieces it says the same as in one, whatever it is. */
static void test_every_byte_changed(void **state)
{
	struct proxy_header whole, pieces;

	(void)state;
	for (size_t v = 0; v < VECTORS; v++) {
		size_t n = proxy_vectors[v].length;
		uint8_t *copy = malloc(n);

		memcpy(copy, proxy_vectors[v].bytes, n);
		for (size_t i = 0; i < n; i++) {
			for (unsigned value = 0; value < 256; value++) {
				copy[i] = (uint8_t)value;
				int r = proxy_header_parse(copy, n, &whole);
				assert_true(r <= (int)n);
				assert_int_equal(feed(copy, n, 1 + value % 5, &pieces), r);
			}
			copy[i] = proxy_vectors[v].bytes[i];
		}
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_products_send),
		cmocka_unit_test(test_of_local_all_is_skipped),
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_unspec_may_hold_anything),
		cmocka_unit_test(test_tlvs_end_with_the_header),
		cmocka_unit_test(test_what_is_kept),
		cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_none_is_known_at_once),
		cmocka_unit_test(test_every_byte_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
