/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The originals' `file` datastore, for reading: an append-only log of entries,
 * cut into chunks so that several writers can append at once.
 * Pure: bytes in, records out.
 *
 * Chunk, integers little-endian: version 1 (u8), number of chunks of the entry
 * (u16), index of this one (u16), length of the id (u16), id, length of the
 * data (u16), data. Entry: version 1 (u8), type (u8), length of the id (u16),
 * id, JSON. Types: 1 an announcement of a public proxy, 2 of a private one.
 */
#pragma once

#include "user/store/store.h"

#include <stddef.h>

struct entry_file_result {
	size_t entries;
	size_t torn;     /* entries without their last chunks: a writer was killed */
	size_t offset;   /* where the fault is, if there was one */
	char reason[96]; /* what it is */
};

/*
 * Call `each` for every entry, oldest first, so that of several for the same
 * domain and proxy the last counts. What a killed writer left at the end is
 * skipped and counted. -EBADMSG, with offset and reason: not such a file, an
 * unknown type, or an entry of the other role; -ENOMEM; or what `each` returned.
 */
int entry_file_parse(const uint8_t *data, size_t length, enum proxy_role role, stored_each each,
		     void *arg, struct entry_file_result *result);
