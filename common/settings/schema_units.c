// SPDX-License-Identifier: BSD-2-Clause
#include "common/settings/schema.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

struct unit {
	const char *name;
	long long factor;
};

#define FRACTION_DIGITS 9

/*
 * "12", "1.5h": digits, at most nine of them after the point, and a unit; a
 * number alone counts in `bare`. No sign, no exponent, no locale.
 */
static int parse_quantity(const char *text, const struct unit *units, long long bare,
			  long long *ret)
{
	long long whole = 0, fraction = 0, scale = 1, factor = bare, value;
	const char *c = text;

	if (!isdigit((unsigned char)*c))
		return -EINVAL;
	for (; isdigit((unsigned char)*c); c++)
		if (__builtin_mul_overflow(whole, 10, &whole) ||
		    __builtin_add_overflow(whole, *c - '0', &whole))
			return -ERANGE;
	if (*c == '.') {
		const char *point = c++;

		for (; isdigit((unsigned char)*c); c++) {
			if (c - point > FRACTION_DIGITS)
				return -EINVAL;
			fraction = fraction * 10 + (*c - '0');
			scale *= 10;
		}
		if (c == point + 1)
			return -EINVAL;
	}
	if (*c) {
		while (units->name && strcmp(units->name, c) != 0)
			units++;
		if (!units->name)
			return -EINVAL;
		factor = units->factor;
	}
	if (__builtin_mul_overflow(whole, factor, &value))
		return -ERANGE;
	/* fraction < 10^9 and factor ≤ 86,400,000, or ≤ 2^40 for sizes: 128 bits hold it. */
	if (__builtin_add_overflow(value, (long long)((__int128)fraction * factor / scale), &value))
		return -ERANGE;
	*ret = value;
	return 0;
}

int schema_parse_duration(const char *text, long long *ret_ms)
{
	static const struct unit units[] = {
		{"ms", 1},          {"s", 1000},         {"m", 60 * 1000},
		{"h", 3600 * 1000}, {"d", 86400 * 1000}, {NULL, 0},
	};

	return parse_quantity(text, units, 1000, ret_ms);
}

int schema_parse_size(const char *text, long long *ret_bytes)
{
	static const struct unit units[] = {
		{"B", 1},           {"KiB", 1LL << 10}, {"MiB", 1LL << 20},
		{"GiB", 1LL << 30}, {"TiB", 1LL << 40}, {NULL, 0},
	};

	return parse_quantity(text, units, 1, ret_bytes);
}
