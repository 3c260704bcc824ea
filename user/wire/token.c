// SPDX-License-Identifier: BSD-2-Clause
#include "user/wire/token.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <sys/random.h>

int token_make(unsigned worker, unsigned workers, uint8_t ret[TOKEN_BYTES])
{
	uint8_t token[TOKEN_BYTES];

	if (getrandom(token, sizeof(token), 0) != sizeof(token))
		return -EIO;
	unsigned first = token[0] - token[0] % workers + worker;
	if (first > UINT8_MAX)
		first -= workers;
	token[0] = (uint8_t)first;
	for (int i = 0; i < TOKEN_BYTES; i++)
		ret[i] = token[i];
	return 0;
}

unsigned token_owner(const uint8_t token[TOKEN_BYTES], unsigned workers)
{
	return token[0] % workers;
}

struct token_hasher {
	uint8_t key[32];
	EVP_MAC_CTX *context;
};

struct token_hasher *token_hasher_new(void)
{
	struct token_hasher *hasher = calloc(1, sizeof(*hasher));
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "BLAKE2SMAC", NULL);

	if (hasher && mac && getrandom(hasher->key, sizeof(hasher->key), 0) == sizeof(hasher->key))
		hasher->context = EVP_MAC_CTX_new(mac);
	EVP_MAC_free(mac);
	if (hasher && hasher->context)
		return hasher;
	free(hasher);
	return NULL;
}

void token_hasher_free(struct token_hasher *hasher)
{
	if (!hasher)
		return;
	EVP_MAC_CTX_free(hasher->context);
	OPENSSL_cleanse(hasher->key, sizeof(hasher->key));
	free(hasher);
}

int token_hash(struct token_hasher *hasher, const uint8_t token[TOKEN_BYTES],
	       uint8_t ret[TOKEN_KEY_BYTES])
{
	size_t length = TOKEN_KEY_BYTES;
	const OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &length),
		OSSL_PARAM_construct_end(),
	};

	if (!EVP_MAC_init(hasher->context, hasher->key, sizeof(hasher->key), parameters) ||
	    !EVP_MAC_update(hasher->context, token, TOKEN_BYTES) ||
	    !EVP_MAC_final(hasher->context, ret, &length, TOKEN_KEY_BYTES))
		return -ENOMEM;
	return 0;
}
