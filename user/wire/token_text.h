/* SPDX-License-Identifier: BSD-2-Clause */
/* A token in a message: standard base64 with padding (RFC 4648 section 4). */
#pragma once

#include "user/wire/limits.h"

#include <stdint.h>

#define TOKEN_TEXT 45 /* 44 characters and NUL */

void token_text_encode(const uint8_t token[TOKEN_BYTES], char ret[TOKEN_TEXT]);

/* -EINVAL unless `text` is the one text that encodes exactly TOKEN_BYTES bytes. */
int token_text_decode(const char *text, uint8_t ret[TOKEN_BYTES]);
