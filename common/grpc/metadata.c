// SPDX-License-Identifier: BSD-2-Clause
#include "common/grpc/metadata.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DAY_MS (24u * 60 * 60 * 1000)

void grpc_percent_encode(const char *text, char ret[GRPC_ENCODED_MAX])
{
	static const char hex[] = "0123456789ABCDEF";
	size_t n = 0;

	for (size_t i = 0; i < GRPC_TEXT_MAX && text[i]; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c >= 0x20 && c <= 0x7e && c != '%') {
			ret[n++] = (char)c;
		} else {
			ret[n++] = '%';
			ret[n++] = hex[c >> 4];
			ret[n++] = hex[c & 15];
		}
	}
	ret[n] = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void grpc_percent_decode(const char *encoded, size_t length, char ret[GRPC_TEXT_MAX + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < length && n < GRPC_TEXT_MAX; i++) {
		unsigned char c = (unsigned char)encoded[i];
		if (c == '%' && i + 2 < length) {
			int high = hex_digit(encoded[i + 1]), low = hex_digit(encoded[i + 2]);
			if (high >= 0 && low >= 0) {
				c = (unsigned char)(high << 4 | low);
				i += 2;
			}
		}
		ret[n++] = c < 0x20 || c == 0x7f ? '?' : (char)c;
	}
	ret[n] = '\0';
	/* It ends up in JSON, which knows nothing but UTF-8. */
	json_t *utf8 = json_stringn(ret, n);
	for (size_t i = 0; !utf8 && i < n; i++)
		if ((unsigned char)ret[i] >= 0x80)
			ret[i] = '?';
	json_decref(utf8);
}

int grpc_timeout_parse(const char *text, size_t length, unsigned *ret_ms)
{
	uint64_t value = 0;
	double ms;

	if (length < 2 || length > 9)
		return -EINVAL;
	for (size_t i = 0; i + 1 < length; i++) {
		if (!isdigit((unsigned char)text[i]))
			return -EINVAL;
		value = value * 10 + (uint64_t)(text[i] - '0');
	}
	switch (text[length - 1]) {
	case 'H':
		ms = (double)value * 3600e3;
		break;
	case 'M':
		ms = (double)value * 60e3;
		break;
	case 'S':
		ms = (double)value * 1e3;
		break;
	case 'm':
		ms = (double)value;
		break;
	case 'u':
		ms = (double)value / 1e3;
		break;
	case 'n':
		ms = (double)value / 1e6;
		break;
	default:
		return -EINVAL;
	}
	*ret_ms = ms >= DAY_MS ? DAY_MS : ms < 1 ? 1 : (unsigned)ms;
	return 0;
}

void grpc_timeout_format(unsigned ms, char ret[GRPC_TIMEOUT_MAX])
{
	snprintf(ret, GRPC_TIMEOUT_MAX, "%um", ms > 99999999u ? 99999999u : ms);
}

bool grpc_content_type_ok(const char *text, size_t length)
{
	static const char type[] = "application/grpc";
	size_t n = sizeof(type) - 1;

	if (length < n || strncasecmp(text, type, n) != 0)
		return false;
	if (length == n || text[n] == ';')
		return true;
	return length >= n + 6 && strncasecmp(text + n, "+proto", 6) == 0;
}
