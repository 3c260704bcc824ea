// SPDX-License-Identifier: BSD-2-Clause
#include "user/wire/token_text.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

void token_text_encode(const uint8_t token[TOKEN_BYTES], char ret[TOKEN_TEXT])
{
	EVP_EncodeBlock((unsigned char *)ret, token, TOKEN_BYTES);
}

int token_text_decode(const char *text, uint8_t ret[TOKEN_BYTES])
{
	unsigned char bytes[TOKEN_TEXT];
	char again[TOKEN_TEXT];

	/* OpenSSL counts the padding as a byte and trims blanks: encode it back and compare. */
	if (strlen(text) != TOKEN_TEXT - 1 ||
	    EVP_DecodeBlock(bytes, (const unsigned char *)text, TOKEN_TEXT - 1) != TOKEN_BYTES + 1)
		return -EINVAL;
	token_text_encode(bytes, again);
	int r = strcmp(again, text) == 0 ? 0 : -EINVAL;
	if (r == 0)
		memcpy(ret, bytes, TOKEN_BYTES);
	explicit_bzero(bytes, sizeof(bytes));
	explicit_bzero(again, sizeof(again));
	return r;
}
