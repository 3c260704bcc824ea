/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tokens: 32 bytes by which a dial-back proves which connection it is for.
 * The first byte, modulo the number of workers, is the worker that made it,
 * so that any worker knows whom to hand a dial-back to without a shared
 * table; 248 bits and more stay random.
 */
#pragma once

#include "user/wire/limits.h"

#include <stdint.h>

/* -errno when the kernel gives no random bytes. */
int token_make(unsigned worker, unsigned workers, uint8_t ret[TOKEN_BYTES]);
unsigned token_owner(const uint8_t token[TOKEN_BYTES], unsigned workers);

/*
 * Keyed BLAKE2s (RFC 7693) of tokens: what is stored and compared, so that
 * neither a table's memory nor its timing tells a token. For one thread, with
 * a random key of its own. Not siphash.h, which all tables use: here the hash
 * decides alone who is let in, and its 64 bits are few for that.
 */
struct token_hasher;

struct token_hasher *token_hasher_new(void); /* NULL: out of memory, or no random bytes */
void token_hasher_free(struct token_hasher *hasher);
/* -ENOMEM */
int token_hash(struct token_hasher *hasher, const uint8_t token[TOKEN_BYTES],
	       uint8_t ret[TOKEN_KEY_BYTES]);
