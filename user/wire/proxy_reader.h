/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads a header of the PROXY protocol in the pieces in which it arrives, and
 * keeps of its up to 65,551 bytes only what is in the struct. Pure.
 *
 * Version 1, and all of version 2: UNSPEC, INET, INET6 and UNIX; of the TLVs,
 * AUTHORITY (to 255 bytes) and UNIQUE_ID are kept, CRC32C is checked, others
 * are passed over. Of a LOCAL header everything is passed over, whatever it
 * is, but for TLVs that our own public proxy may have written.
 */
#pragma once

#include "user/wire/proxy_header.h"

enum proxy_step {
	PROXY_STEP_BEGIN,     /* version 1 or 2? */
	PROXY_STEP_LINE,      /* version 1: to CR LF */
	PROXY_STEP_FIXED,     /* version 2: the 16 bytes that all begin with */
	PROXY_STEP_ADDRESSES, /* those of INET or INET6 */
	PROXY_STEP_TYPE,      /* type and length of a TLV */
	PROXY_STEP_AUTHORITY,
	PROXY_STEP_UNIQUE_ID,
	PROXY_STEP_CHECKSUM,
	PROXY_STEP_SKIP, /* what is not kept */
};

/* All zero before the first byte. */
struct proxy_reader {
	struct proxy_header header; /* of use when the header is complete */
	enum proxy_step step;
	uint8_t piece[PROXY_V1_MAX]; /* what a step gathers … */
	size_t have;                 /* … and how much of it is there */
	size_t left;                 /* version 2: bytes of the header that are still to come */
	size_t part;                 /* of them, those of the TLV's value, or to be skipped */
	bool is_local, is_loose;     /* loose: what cannot be understood is skipped */
	bool has_checksum;
	uint32_t checksum,
		told; /* CRC32c up to here, its own field as zeros; what the field says */
};

/*
 * Take the next bytes of the stream. 1: the header is complete, and
 * *ret_taken of the bytes belong to it. 0: all of them do, and more must come.
 * -EBADMSG: this is no header; -EILSEQ: its checksum is wrong.
 */
int proxy_reader_take(struct proxy_reader *reader, const uint8_t *bytes, size_t length,
		      size_t *ret_taken);
