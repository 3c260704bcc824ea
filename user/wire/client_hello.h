/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server name of a TLS ClientHello (RFC 8446 section 4.1.2, RFC 5246
 * section 7.4.1.2, SNI: RFC 6066 section 3, records: RFC 8446 section 5.1).
 * Pure: bytes in, result out.
 */
#pragma once

#include "common/base/domain.h"

#include <stddef.h>
#include <stdint.h>

#define CLIENT_HELLO_ALPN_MAX 255
/* A handshake message that we take: its four-byte header and the body. */
#define CLIENT_HELLO_MAX (16 * 1024)
/* The same, sent as one record for each byte: five bytes of header each. */
#define CLIENT_HELLO_WIRE_MAX (6 * CLIENT_HELLO_MAX)

enum client_hello_result {
	CLIENT_HELLO_OK,
	CLIENT_HELLO_MORE,      /* valid so far, not complete */
	CLIENT_HELLO_NOT_TLS,   /* no TLS handshake record, or no ClientHello in it */
	CLIENT_HELLO_TOO_LARGE, /* longer than CLIENT_HELLO_MAX */
	CLIENT_HELLO_MALFORMED,
	CLIENT_HELLO_NO_NAME,  /* complete, without a server name */
	CLIENT_HELLO_BAD_NAME, /* not a host name: see docs/announcements.md */
};

struct client_hello {
	char name[DOMAIN_MAX + 1];           /* as domain_normalise() gives it */
	uint8_t alpn[CLIENT_HELLO_ALPN_MAX]; /* RFC 7301 protocol name list, as sent; what fits */
	size_t alpn_length;
	size_t missing; /* with CLIENT_HELLO_MORE: so many bytes must come yet, or more */
};

/*
 * Parse what has arrived so far. `workspace` takes the handshake message out
 * of its records. *ret is filled when the result is CLIENT_HELLO_OK; of a hello
 * that is not complete, `missing` alone.
 */
enum client_hello_result client_hello_parse(const uint8_t *bytes, size_t length,
					    uint8_t workspace[CLIENT_HELLO_MAX],
					    struct client_hello *ret);

const char *client_hello_result_name(enum client_hello_result result);
