/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The header of the PROXY protocol (haproxy.org/download/2.8/doc/proxy-protocol.txt):
 * who the client is, told by a proxy at the beginning of a stream. What is in
 * it, and how it is written; proxy_reader.h reads it. Pure.
 */
#pragma once

#include "common/base/addr.h"

#include <stdint.h>

#define PROXY_V1_MAX     107 /* section 2.1: with CR LF */
#define PROXY_V2_SIGNED  12
#define PROXY_V2_FIXED   16
#define PROXY_V2_MAX     (PROXY_V2_FIXED + UINT16_MAX)
#define PROXY_HEADER_MAX 536 /* section 2.2: what any receiver has to take; we write no more */
#define PROXY_NAME_MAX   255
#define PROXY_UNIQUE_MAX 128 /* section 2.2.5 */

extern const uint8_t PROXY_V2_SIGNATURE[PROXY_V2_SIGNED];

struct proxy_header {
	bool has_addresses; /* false: LOCAL, UNKNOWN, or a family that is none of IP */
	struct addr source, destination;
	char authority[PROXY_NAME_MAX + 1];  /* PP2_TYPE_AUTHORITY: the SNI; empty: none */
	uint8_t unique_id[PROXY_UNIQUE_MAX]; /* PP2_TYPE_UNIQUE_ID */
	size_t unique_length;
};

/* Version 2 with TLVs, or version 1. The length; never more than PROXY_HEADER_MAX. */
size_t proxy_header_write_v2(const struct proxy_header *header, uint8_t ret[PROXY_HEADER_MAX]);
size_t proxy_header_write_v1(const struct proxy_header *header, uint8_t ret[PROXY_HEADER_MAX]);

/*
 * One that lies in one piece. How long the header that begins with `bytes` is:
 * > 0, the length of a complete one, filled into *ret; 0: more bytes are
 * needed, PROXY_V2_MAX at most; or as proxy_reader_take() fails.
 */
int proxy_header_parse(const uint8_t *bytes, size_t length, struct proxy_header *ret);
