// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/escape.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ELLIPSIS "..."

static bool is_plain(unsigned char c)
{
	return c > ' ' && c < 0x7f && c != '"' && c != '\'' && c != '`' && c != '\\';
}

void escape(const void *bytes, size_t length, char *ret, size_t size)
{
	const unsigned char *at = bytes;
	size_t used = 0, fits = 0; /* `fits`: so much of it leaves room for the dots */

	for (size_t i = 0; i < length; i++) {
		size_t wanted = is_plain(at[i]) ? 1 : 4;
		if (used + wanted >= size) {
			strcpy(ret + fits, ELLIPSIS);
			return;
		}
		if (wanted == 1)
			ret[used] = (char)at[i];
		else
			snprintf(ret + used, wanted + 1, "\\x%02x", at[i]);
		used += wanted;
		if (used + strlen(ELLIPSIS) < size)
			fits = used;
	}
	ret[used] = '\0';
}
