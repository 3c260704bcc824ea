// SPDX-License-Identifier: BSD-2-Clause
#include "relay/directory/address.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool address_operator_valid(const char *operator)
{
	size_t length = strlen(operator);

	if (length == 0 || length > ADDRESS_OPERATOR_MAX)
		return false;
	if (operator[0] == '.' || operator[length - 1] == '.')
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)operator[i]) && !strchr(".-_", operator[i]))
			return false;
	return true;
}

/* Graphic bytes without those that the address itself is built of. */
static bool method_valid(const char *method, size_t length)
{
	if (length == 0 || length > ADDRESS_METHOD_MAX)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isgraph((unsigned char)method[i]) || strchr(".()", method[i]))
			return false;
	return true;
}

static int split(const char *text, size_t length, struct address *ret)
{
	const char *dot = memrchr(text, '.', length);

	if (!dot || (size_t)(dot - text) > ADDRESS_OPERATOR_MAX)
		return -EINVAL;
	size_t operator_length = (size_t)(dot - text);
	size_t method_length = length - operator_length - 1;
	if (!method_valid(dot + 1, method_length))
		return -EINVAL;
	memcpy(ret->operator, text, operator_length);
	ret->operator[operator_length] = '\0';
	memcpy(ret->method, dot + 1, method_length);
	ret->method[method_length] = '\0';
	ret->id[0] = '\0';
	return address_operator_valid(ret->operator) ? 0 : -EINVAL;
}

int address_parse_method(const char *text, struct address *ret)
{
	struct address address;

	int r = split(text, strlen(text), &address);
	if (r < 0)
		return r;
	*ret = address;
	return 0;
}

int address_parse_id(const char *text, struct address *ret)
{
	const char *open = strchr(text, '(');
	struct address address;

	if (!open)
		return -EINVAL;
	const char *close = strchr(open, ')');
	if (!close || close == open + 1 || close[1] != '\0')
		return -EINVAL;
	size_t length = (size_t)(close - open - 1);
	if (length > ADDRESS_ID_MAX)
		return -EINVAL;
	int r = split(text, (size_t)(open - text), &address);
	if (r < 0)
		return r;
	memcpy(address.id, open + 1, length);
	address.id[length] = '\0';
	*ret = address;
	return 0;
}

char *address_format(const char *method, const char *inner_id)
{
	char *text;

	return asprintf(&text, "%s(%s)", method, inner_id) < 0 ? NULL : text;
}

/* How many n's stand before ":<integer>"; 0 if the text is not of that form. */
static size_t count_n(const char *text)
{
	size_t n = strspn(text, "n");

	if (n == 0 || text[n] != ':')
		return 0;
	const char *digits = text + n + 1;
	if (*digits == '-')
		digits++;
	return *digits && strspn(digits, "0123456789") == strlen(digits) ? n : 0;
}

char *address_inner_id(const json_t *id)
{
	char *text;

	if (json_is_integer(id))
		return asprintf(&text, "n:%lld", (long long)json_integer_value(id)) < 0 ? NULL
											: text;
	const char *string = json_string_value(id);
	size_t n = count_n(string);
	text = malloc(n + strlen(string) + 1);
	if (!text)
		return NULL;
	memset(text, 'n', n);
	strcpy(text + n, string);
	return text;
}
