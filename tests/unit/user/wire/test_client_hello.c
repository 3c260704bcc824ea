// SPDX-License-Identifier: BSD-2-Clause
#include "user/wire/client_hello.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ssl.h>

#include <cmocka.h>

static uint8_t workspace[CLIENT_HELLO_MAX];

struct bytes {
	uint8_t data[CLIENT_HELLO_WIRE_MAX + 1024];
	size_t n;
};

static void put(struct bytes *to, unsigned width, uint32_t value)
{
	while (width-- > 0)
		to->data[to->n++] = (uint8_t)(value >> (8 * width));
}

static void put_bytes(struct bytes *to, const void *from, size_t n)
{
	memcpy(to->data + to->n, from, n);
	to->n += n;
}

/* A handshake message with these extensions, and `padding` bytes of one more. */
static void message(struct bytes *to, const struct bytes *extensions, size_t padding)
{
	size_t all = extensions->n + (padding ? padding + 4 : 0);

	to->n = 0;
	put(to, 1, 1);
	put(to, 3, (uint32_t)(2 + 32 + 1 + 2 + 2 + 1 + 1 + 2 + all));
	put(to, 2, 0x0303);
	for (int i = 0; i < 32; i++)
		put(to, 1, (uint32_t)i);
	put(to, 1, 0);
	put(to, 2, 2);
	put(to, 2, 0x1301);
	put(to, 1, 1);
	put(to, 1, 0);
	put(to, 2, (uint32_t)all);
	put_bytes(to, extensions->data, extensions->n);
	if (padding) {
		put(to, 2, 21);
		put(to, 2, (uint32_t)padding);
		memset(to->data + to->n, 0, padding);
		to->n += padding;
	}
}

static void sni(struct bytes *to, const char *name, size_t n)
{
	put(to, 2, 0);
	put(to, 2, (uint32_t)(n + 5));
	put(to, 2, (uint32_t)(n + 3));
	put(to, 1, 0);
	put(to, 2, (uint32_t)n);
	put_bytes(to, name, n);
}

/* In records of at most `fragment` bytes. */
static void records(struct bytes *to, const struct bytes *from, size_t fragment)
{
	to->n = 0;
	for (size_t at = 0; at < from->n; at += fragment) {
		size_t n = from->n - at < fragment ? from->n - at : fragment;
		put(to, 1, 22);
		put(to, 2, 0x0301);
		put(to, 2, (uint32_t)n);
		put_bytes(to, from->data + at, n);
	}
}

static struct bytes extensions, plain, wire;

static enum client_hello_result parse_name(const char *name, struct client_hello *ret)
{
	extensions.n = 0;
	sni(&extensions, name, strlen(name));
	message(&plain, &extensions, 0);
	records(&wire, &plain, 16384);
	return client_hello_parse(wire.data, wire.n, workspace, ret);
}

static void test_names(void **state)
{
	static const struct {
		const char *in, *out;
	} good[] = {
		{"Test.Internal-Server.LOCAL", "test.internal-server.local"},
		{"a", "a"},
		{"a_b.Example.org", "a_b.example.org"},
		{"_x.example.org", "_x.example.org"},
		{"abc-.example.org", "abc-.example.org"},
		{"-abc.example.org", "-abc.example.org"},
		{"a.b-", "a.b-"},
		{"example.org.", "example.org"},
		{"A.", "a"},
	};
	static const char *const bad[] = {
		"",    ".",   "..",    ".a",        "a..b",       "a.b..", "a b",   "a\xc3\xa4",
		"a/b", "*.a", "a:443", "192.0.2.1", "192.0.2.1.", "::1",   "[::1]", "a\xff.b"};
	struct client_hello hello;
	char longest[300];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(parse_name(good[i].in, &hello), CLIENT_HELLO_OK);
		assert_string_equal(hello.name, good[i].out);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse_name(bad[i], &hello), CLIENT_HELLO_BAD_NAME);
	/* 253 bytes in labels of 63, with a dot at the end, and one more. */
	memset(longest, 'x', sizeof(longest));
	for (int i = 63; i < 253; i += 64)
		longest[i] = '.';
	longest[253] = '\0';
	assert_int_equal(parse_name(longest, &hello), CLIENT_HELLO_OK);
	assert_string_equal(hello.name, longest);
	longest[253] = '.';
	longest[254] = '\0';
	assert_int_equal(parse_name(longest, &hello), CLIENT_HELLO_OK);
	assert_int_equal(strlen(hello.name), 253);
	longest[253] = 'x';
	assert_int_equal(parse_name(longest, &hello), CLIENT_HELLO_BAD_NAME);
	memset(longest, 'x', 64);
	longest[64] = '\0';
	assert_int_equal(parse_name(longest, &hello), CLIENT_HELLO_BAD_NAME);
}

/* What no name is goes to the log: see what it was, and nothing breaks. */
static void test_bad_names_are_told_escaped(void **state)
{
	struct client_hello hello;
	char longest[20000];

	(void)state;
	extensions.n = 0;
	sni(&extensions, "a.org\0.b", 8);
	message(&plain, &extensions, 0);
	records(&wire, &plain, 16384);
	assert_int_equal(client_hello_parse(wire.data, wire.n, workspace, &hello),
			 CLIENT_HELLO_BAD_NAME);
	assert_string_equal(hello.name, "a.org\\x00.b");
	assert_int_equal(parse_name("x\n2026 INFO\x1b[2J\"\xc2\x9b", &hello),
			 CLIENT_HELLO_BAD_NAME);
	assert_string_equal(hello.name, "x\\x0a2026\\x20INFO\\x1b[2J\\x22\\xc2\\x9b");
	assert_int_equal(parse_name("192.0.2.1", &hello), CLIENT_HELLO_BAD_NAME);
	assert_string_equal(hello.name, "192.0.2.1");
	memset(longest, '\n', sizeof(longest));
	longest[16000] = '\0';
	assert_int_equal(parse_name(longest, &hello), CLIENT_HELLO_BAD_NAME);
	assert_in_range(strlen(hello.name), DOMAIN_MAX - 4, DOMAIN_MAX);
	assert_string_equal(hello.name + strlen(hello.name) - 7, "\\x0a...");
}

static void test_every_split(void **state)
{
	struct client_hello hello;

	(void)state;
	extensions.n = 0;
	sni(&extensions, "a.example", 9);
	message(&plain, &extensions, 40);
	for (size_t fragment = 1; fragment <= plain.n; fragment++) {
		records(&wire, &plain, fragment);
		for (size_t n = 0; n < wire.n; n++)
			assert_int_equal(client_hello_parse(wire.data, n, workspace, &hello),
					 CLIENT_HELLO_MORE);
		memset(&hello, 0, sizeof(hello));
		assert_int_equal(client_hello_parse(wire.data, wire.n, workspace, &hello),
				 CLIENT_HELLO_OK);
		assert_string_equal(hello.name, "a.example");
	}
}

static void test_largest(void **state)
{
	struct client_hello hello;

	(void)state;
	extensions.n = 0;
	sni(&extensions, "a.example", 9);
	message(&plain, &extensions, 1);
	size_t padding = CLIENT_HELLO_MAX - plain.n + 1;
	message(&plain, &extensions, padding);
	assert_int_equal(plain.n, CLIENT_HELLO_MAX);
	records(&wire, &plain, 16384);
	assert_int_equal(client_hello_parse(wire.data, wire.n, workspace, &hello), CLIENT_HELLO_OK);
	records(&wire, &plain, 1);
	assert_int_equal(wire.n, CLIENT_HELLO_WIRE_MAX);
	assert_int_equal(client_hello_parse(wire.data, wire.n, workspace, &hello), CLIENT_HELLO_OK);
	message(&plain, &extensions, padding + 1);
	records(&wire, &plain, 16384);
	assert_int_equal(client_hello_parse(wire.data, wire.n, workspace, &hello),
			 CLIENT_HELLO_TOO_LARGE);
}

static void test_not_tls(void **state)
{
	static const char http[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
	static const uint8_t sslv2[] = {0x80, 0x2e, 0x01, 0x03, 0x01, 0x00};
	static const uint8_t alert[] = {21, 3, 3, 0, 2, 2, 40};
	static const uint8_t server_hello[] = {22, 3, 3, 0, 4, 2, 0, 0, 0};
	static const uint8_t empty_record[] = {22, 3, 1, 0, 0};
	static const uint8_t large_record[] = {22, 3, 1, 0x40, 1};
	struct client_hello hello;

	(void)state;
	assert_int_equal(client_hello_parse((const uint8_t *)http, 1, workspace, &hello),
			 CLIENT_HELLO_NOT_TLS);
	assert_int_equal(client_hello_parse((const uint8_t *)http, sizeof(http), workspace, &hello),
			 CLIENT_HELLO_NOT_TLS);
	assert_int_equal(client_hello_parse(sslv2, sizeof(sslv2), workspace, &hello),
			 CLIENT_HELLO_NOT_TLS);
	assert_int_equal(client_hello_parse(alert, sizeof(alert), workspace, &hello),
			 CLIENT_HELLO_NOT_TLS);
	assert_int_equal(client_hello_parse(server_hello, sizeof(server_hello), workspace, &hello),
			 CLIENT_HELLO_NOT_TLS);
	assert_int_equal(client_hello_parse(empty_record, sizeof(empty_record), workspace, &hello),
			 CLIENT_HELLO_MALFORMED);
	assert_int_equal(client_hello_parse(large_record, sizeof(large_record), workspace, &hello),
			 CLIENT_HELLO_MALFORMED);
	assert_int_equal(client_hello_parse((const uint8_t *)http, 0, workspace, &hello),
			 CLIENT_HELLO_MORE);
}

static void test_extensions(void **state)
{
	static const uint8_t alpn[] = {0, 16,  0,   14,  0,   12,  2,   'h', '2',
				       8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
	static const uint8_t grease[] = {0x0a, 0x0a, 0, 0};
	struct client_hello hello;

	(void)state;
	extensions.n = 0;
	message(&plain, &extensions, 0);
	records(&wire, &plain, 16384);
	assert_int_equal(client_hello_parse(wire.data, wire.n, workspace, &hello),
			 CLIENT_HELLO_NO_NAME);
	put_bytes(&extensions, grease, sizeof(grease));
	put_bytes(&extensions, alpn, sizeof(alpn));
	sni(&extensions, "a.b", 3);
	message(&plain, &extensions, 0);
	records(&wire, &plain, 16384);
	assert_int_equal(client_hello_parse(wire.data, wire.n, workspace, &hello), CLIENT_HELLO_OK);
	assert_int_equal(hello.alpn_length, 12);
	assert_memory_equal(hello.alpn, alpn + 6, 12);
	/* A second server_name extension: RFC 8446 section 4.2 allows one of each. */
	sni(&extensions, "c.d", 3);
	message(&plain, &extensions, 0);
	records(&wire, &plain, 16384);
	assert_int_equal(client_hello_parse(wire.data, wire.n, workspace, &hello),
			 CLIENT_HELLO_MALFORMED);
}

/* However it is cut, `missing` is never more than what is missing. */
static void test_what_is_missing(void **state)
{
	static const size_t sizes[] = {1, 3, 100, 16384};
	struct client_hello hello;

	(void)state;
	extensions.n = 0;
	sni(&extensions, "a.example", 9);
	message(&plain, &extensions, 0);
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		records(&wire, &plain, sizes[s]);
		for (size_t n = 0; n < wire.n; n++) {
			assert_int_equal(client_hello_parse(wire.data, n, workspace, &hello),
					 CLIENT_HELLO_MORE);
			assert_in_range(hello.missing, 1, wire.n - n);
		}
		/* In one record all of it is known once the handshake's header is there. */
		if (sizes[s] == 16384) {
			(void)client_hello_parse(wire.data, 9, workspace, &hello);
			assert_int_equal(hello.missing, wire.n - 9);
		}
	}
}

/* What a wrong length anywhere in the hello leads to: an answer, never a read outside. */
static void test_every_byte_changed(void **state)
{
	struct client_hello hello;

	(void)state;
	assert_int_equal(parse_name("a.example", &hello), CLIENT_HELLO_OK);
	for (size_t i = 0; i < wire.n; i++) {
		uint8_t before = wire.data[i];

		for (int value = 0; value < 256; value++) {
			/* On the heap and of the exact size, so that a sanitizer sees each step too
			 * far. */
			uint8_t *copy = malloc(wire.n);

			memcpy(copy, wire.data, wire.n);
			copy[i] = (uint8_t)value;
			(void)client_hello_parse(copy, wire.n, workspace, &hello);
			free(copy);
		}
		wire.data[i] = before;
	}
}

/* What a real client sends, of each version that OpenSSL speaks. */
static void test_openssl(void **state)
{
	static const int versions[] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION,
				       TLS1_3_VERSION};
	struct client_hello hello;

	(void)state;
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		SSL_CTX *context = SSL_CTX_new(TLS_client_method());
		char *bytes;

		SSL_CTX_set_security_level(context, 0);
		SSL_CTX_set_max_proto_version(context, versions[i]);
		SSL *ssl = SSL_new(context);
		SSL_set_tlsext_host_name(ssl, "Www.Example.ORG");
		SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
		assert_int_equal(SSL_connect(ssl), -1);
		long n = BIO_get_mem_data(SSL_get_wbio(ssl), &bytes);
		assert_int_equal(
			client_hello_parse((const uint8_t *)bytes, (size_t)n, workspace, &hello),
			CLIENT_HELLO_OK);
		assert_string_equal(hello.name, "www.example.org");
		SSL_free(ssl);
		SSL_CTX_free(context);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_bad_names_are_told_escaped),
		cmocka_unit_test(test_every_split),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_not_tls),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_what_is_missing),
		cmocka_unit_test(test_every_byte_changed),
		cmocka_unit_test(test_openssl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
