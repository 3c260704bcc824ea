// SPDX-License-Identifier: BSD-2-Clause
#include "user/wire/client_hello.h"

#include "common/base/escape.h"

#include <stdbool.h>
#include <string.h>

#define RECORD_HEADER    5
#define RECORD_MAX       16384 /* RFC 8446 section 5.1: 2^14 bytes of plaintext */
#define TYPE_HANDSHAKE   22
#define HANDSHAKE_HEADER 4
#define HANDSHAKE_HELLO  1
#define EXTENSION_SNI    0
#define EXTENSION_ALPN   16
#define NAME_TYPE_HOST   0

/* Reads forward in a byte range; once it has failed, everything it gives is zero. */
struct reader {
	const uint8_t *bytes;
	size_t left;
	bool failed;
};

static struct reader reader_take(struct reader *from, size_t n)
{
	struct reader part = {from->bytes, n, false};

	if (from->failed || n > from->left) {
		from->failed = true;
		return (struct reader){NULL, 0, true};
	}
	from->bytes += n;
	from->left -= n;
	return part;
}

static uint32_t reader_number(struct reader *from, size_t bytes)
{
	struct reader part = reader_take(from, bytes);
	uint32_t n = 0;

	for (size_t i = 0; i < part.left; i++)
		n = n << 8 | part.bytes[i];
	return n;
}

/* A field that is preceded by its length in `bytes` bytes. */
static struct reader reader_vector(struct reader *from, size_t bytes)
{
	return reader_take(from, reader_number(from, bytes));
}

/*
 * As announcements are written, whatever the case and with or without a dot at
 * the end. No name are, among others, the literal addresses that RFC 6066
 * forbids; of such a one `ret` tells what it was.
 */
static enum client_hello_result take_name(const struct reader *from, char ret[DOMAIN_MAX + 1])
{
	char text[DOMAIN_MAX + 2];

	if (from->left < sizeof(text) && !memchr(from->bytes, '\0', from->left)) {
		memcpy(text, from->bytes, from->left);
		text[from->left] = '\0';
		if (domain_normalise(text, false, ret, NULL) == 0)
			return CLIENT_HELLO_OK;
	}
	escape(from->bytes, from->left, ret, DOMAIN_MAX + 1);
	return CLIENT_HELLO_BAD_NAME;
}

static enum client_hello_result parse_sni(struct reader extension, struct client_hello *ret)
{
	struct reader list = reader_vector(&extension, 2);

	if (extension.failed || extension.left > 0 || list.left == 0)
		return CLIENT_HELLO_MALFORMED;
	while (list.left > 0) {
		uint32_t type = reader_number(&list, 1);
		struct reader name = reader_vector(&list, 2);

		if (list.failed)
			return CLIENT_HELLO_MALFORMED;
		if (type == NAME_TYPE_HOST)
			return take_name(&name, ret->name);
	}
	return CLIENT_HELLO_NO_NAME;
}

static void keep_alpn(struct reader extension, struct client_hello *ret)
{
	struct reader list = reader_vector(&extension, 2);

	if (extension.failed || list.left > sizeof(ret->alpn))
		return;
	memcpy(ret->alpn, list.bytes, list.left);
	ret->alpn_length = list.left;
}

static enum client_hello_result parse_extensions(struct reader all, struct client_hello *ret)
{
	enum client_hello_result result = CLIENT_HELLO_NO_NAME;
	bool seen_sni = false;

	while (all.left > 0) {
		uint32_t type = reader_number(&all, 2);
		struct reader extension = reader_vector(&all, 2);

		if (all.failed)
			return CLIENT_HELLO_MALFORMED;
		if (type == EXTENSION_ALPN)
			keep_alpn(extension, ret);
		if (type != EXTENSION_SNI)
			continue;
		if (seen_sni)
			return CLIENT_HELLO_MALFORMED;
		seen_sni = true;
		result = parse_sni(extension, ret);
	}
	return result;
}

static enum client_hello_result parse_body(struct reader body, struct client_hello *ret)
{
	uint32_t version = reader_number(&body, 2);

	(void)reader_take(&body, 32);                         /* random */
	struct reader session = reader_vector(&body, 1);      /* legacy_session_id */
	struct reader ciphers = reader_vector(&body, 2);      /* cipher_suites */
	struct reader compressions = reader_vector(&body, 1); /* legacy_compression_methods */
	if (body.failed || version >> 8 != 3 || session.left > 32 || ciphers.left < 2 ||
	    ciphers.left % 2 || compressions.left < 1)
		return CLIENT_HELLO_MALFORMED;
	if (body.left == 0)
		return CLIENT_HELLO_NO_NAME; /* TLS 1.0 without extensions */
	struct reader extensions = reader_vector(&body, 2);
	if (body.failed || body.left > 0)
		return CLIENT_HELLO_MALFORMED;
	return parse_extensions(extensions, ret);
}

/*
 * Take the handshake bytes out of the records until the message is complete.
 * Returns CLIENT_HELLO_OK with the message in `workspace`, its body's length
 * in *ret_length; or CLIENT_HELLO_MORE with what of it is missing.
 */
static enum client_hello_result unwrap(struct reader wire, uint8_t *workspace, size_t *ret_length,
				       size_t *ret_missing)
{
	size_t have = 0;

	*ret_missing = HANDSHAKE_HEADER;

	for (;;) {
		const uint8_t *header = wire.bytes;

		if (wire.left > 0 && header[0] != TYPE_HANDSHAKE)
			return CLIENT_HELLO_NOT_TLS;
		if (wire.left > 1 && header[1] != 3)
			return CLIENT_HELLO_NOT_TLS;
		if (wire.left < RECORD_HEADER)
			return CLIENT_HELLO_MORE;
		(void)reader_take(&wire, 3);
		size_t fragment = reader_number(&wire, 2);
		if (fragment == 0 || fragment > RECORD_MAX)
			return CLIENT_HELLO_MALFORMED;
		size_t here = fragment < wire.left ? fragment : wire.left;
		if (have + here > CLIENT_HELLO_MAX)
			here = CLIENT_HELLO_MAX - have;
		memcpy(workspace + have, wire.bytes, here);
		have += here;
		if (have > 0 && workspace[0] != HANDSHAKE_HELLO)
			return CLIENT_HELLO_NOT_TLS;
		if (have >= HANDSHAKE_HEADER) {
			size_t body = (size_t)workspace[1] << 16 | (size_t)workspace[2] << 8 |
				      workspace[3];
			if (body > CLIENT_HELLO_MAX - HANDSHAKE_HEADER)
				return CLIENT_HELLO_TOO_LARGE;
			*ret_length = body;
			if (have >= HANDSHAKE_HEADER + body)
				return CLIENT_HELLO_OK;
			*ret_missing = HANDSHAKE_HEADER + body - have;
		} else {
			*ret_missing = HANDSHAKE_HEADER - have;
		}
		if (wire.left < fragment)
			return CLIENT_HELLO_MORE;
		(void)reader_take(&wire, fragment);
	}
}

enum client_hello_result client_hello_parse(const uint8_t *bytes, size_t length,
					    uint8_t workspace[CLIENT_HELLO_MAX],
					    struct client_hello *ret)
{
	struct client_hello hello = {.alpn_length = 0};
	size_t body = 0;

	enum client_hello_result result =
		unwrap((struct reader){bytes, length, false}, workspace, &body, &ret->missing);
	if (result != CLIENT_HELLO_OK)
		return result;
	result = parse_body((struct reader){workspace + HANDSHAKE_HEADER, body, false}, &hello);
	if (result == CLIENT_HELLO_OK)
		*ret = hello;
	else if (result == CLIENT_HELLO_BAD_NAME)
		memcpy(ret->name, hello.name, sizeof(ret->name));
	return result;
}

const char *client_hello_result_name(enum client_hello_result result)
{
	switch (result) {
	case CLIENT_HELLO_OK:
		return "ok";
	case CLIENT_HELLO_MORE:
		return "ClientHello not complete";
	case CLIENT_HELLO_NOT_TLS:
		return "not TLS";
	case CLIENT_HELLO_TOO_LARGE:
		return "ClientHello too large";
	case CLIENT_HELLO_MALFORMED:
		return "ClientHello malformed";
	case CLIENT_HELLO_NO_NAME:
		return "no server name";
	case CLIENT_HELLO_BAD_NAME:
		return "server name is no host name";
	}
	return "unknown";
}
