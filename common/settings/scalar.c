// SPDX-License-Identifier: BSD-2-Clause
#include "common/settings/yaml.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HEX_DIGITS   "0123456789abcdefABCDEF"
#define OCTAL_DIGITS "01234567"

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(text, *words) == 0)
			return true;
	return false;
}

static bool only(const char *text, const char *set)
{
	return *text && strspn(text, set) == strlen(text);
}

/* [-+]? ( [0-9]+ | 0o[0-7]+ | 0x[0-9a-fA-F]+ ) */
static bool is_integer(const char *text, int *ret_base, const char **ret_digits)
{
	const char *c = text;

	if (strncmp(c, "0x", 2) == 0 && only(c + 2, HEX_DIGITS)) {
		*ret_base = 16;
		*ret_digits = c + 2;
		return true;
	}
	if (strncmp(c, "0o", 2) == 0 && only(c + 2, OCTAL_DIGITS)) {
		*ret_base = 8;
		*ret_digits = c + 2;
		return true;
	}
	*ret_base = 10;
	*ret_digits = text;
	return only(c + (*c == '-' || *c == '+'), "0123456789");
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool is_real(const char *text)
{
	const char *c = text + (*text == '-' || *text == '+');
	size_t whole = strspn(c, "0123456789"), fraction = 0;

	c += whole;
	if (*c == '.') {
		fraction = strspn(++c, "0123456789");
		c += fraction;
	}
	if (whole + fraction == 0)
		return false;
	if (*c == 'e' || *c == 'E') {
		c++;
		c += *c == '-' || *c == '+';
		if (!isdigit((unsigned char)*c))
			return false;
		c += strspn(c, "0123456789");
	}
	return *c == '\0';
}

static int to_real(const char *text, json_t **ret)
{
	/* No program of ours calls setlocale(), so that the point is a point. */
	double value = strtod(text, NULL);

	if (!isfinite(value))
		return -ERANGE;
	*ret = json_real(value);
	return *ret ? 0 : -ENOMEM;
}

int settings_yaml_scalar(const char *text, json_t **ret)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
	static const char *const trues[] = {"true", "True", "TRUE", NULL};
	static const char *const falses[] = {"false", "False", "FALSE", NULL};
	const char *digits, *unsigned_text = text + (*text == '-' || *text == '+');
	static const char *const odd[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN", NULL};
	json_t *value;
	int base;

	if (is_one_of(text, nulls)) {
		value = json_null();
	} else if (is_one_of(text, trues)) {
		value = json_true();
	} else if (is_one_of(text, falses)) {
		value = json_false();
	} else if (is_integer(text, &base, &digits)) {
		errno = 0;
		long long number = strtoll(digits, NULL, base);
		if (errno == ERANGE)
			return -ERANGE;
		value = json_integer(number);
	} else if (is_real(text)) {
		return to_real(text, ret);
	} else if (is_one_of(unsigned_text, odd)) {
		return -ERANGE;
	} else {
		value = json_string(text);
	}
	if (!value)
		return -ENOMEM;
	*ret = value;
	return 0;
}
