/* SPDX-License-Identifier: BSD-2-Clause */
/* A ClientHello that is well-formed and leads to no handshake (RFC 8446 section 4.1.2). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HELLO_RECORD_MAX (5 + 16384)

/*
 * One TLS record with server name `name`, padded (RFC 7685) to `size` bytes
 * in all; 0: as short as it goes. The length, or -EMSGSIZE.
 */
int hello_build(uint8_t buf[HELLO_RECORD_MAX], const char *name, size_t size);

/*
 * How many bytes of `buf` are the records of one ClientHello; 0: more bytes
 * are needed; -EBADMSG: it is none.
 */
int hello_length(const uint8_t *buf, size_t n);
