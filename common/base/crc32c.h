/* SPDX-License-Identifier: BSD-2-Clause */
/* The checksum CRC32c (Castagnoli), as RFC 3720 appendix B.4 and RFC 4960 appendix B have it. Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * The checksum of the bytes so far (0 at the beginning) and `length` more. It
 * can be had in pieces: crc32c(crc32c(0, a, n), b, m) is that of a and b.
 */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t length);
