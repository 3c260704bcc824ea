// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/token.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
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

int token_hash(const uint8_t key[32], const uint8_t token[TOKEN_BYTES],
	       uint8_t ret[TOKEN_KEY_BYTES])
{
	size_t length = TOKEN_KEY_BYTES;
	OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &length),
		OSSL_PARAM_construct_end(),
	};
	/* Fetching goes through a lock of the library: once a thread. */
	static _Thread_local EVP_MAC_CTX *context;

	if (!context) {
		EVP_MAC *mac = EVP_MAC_fetch(NULL, "BLAKE2SMAC", NULL);
		context = mac ? EVP_MAC_CTX_new(mac) : NULL;
		EVP_MAC_free(mac);
		if (!context)
			return -ENOMEM;
	}
	if (!EVP_MAC_init(context, key, 32, parameters) ||
	    !EVP_MAC_update(context, token, TOKEN_BYTES) ||
	    !EVP_MAC_final(context, ret, &length, TOKEN_KEY_BYTES))
		return -ENOMEM;
	return 0;
}
