// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/domain.h"

#include <errno.h>
#include <string.h>

#define LABEL_MAX 63

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Puts a label into lower case; reports what is wrong with it, or NULL. */
static const char *normalise_label(char *label, size_t length)
{
	if (length == 0)
		return "has an empty label";
	if (length > LABEL_MAX)
		return "has a label of more than 63 bytes";
	for (size_t i = 0; i < length; i++) {
		char c = lower(label[i]);
		if ((unsigned char)c >= 0x80)
			return "is not ASCII: write it as A-labels (xn--...)";
		if (!is_digit(c) && !(c >= 'a' && c <= 'z') && c != '-' && c != '_')
			return "holds a character that no host name holds";
		label[i] = c;
	}
	return NULL;
}

static bool only_digits(const char *text)
{
	while (is_digit(*text))
		text++;
	return *text == '\0';
}

static const char *normalise(const char *text, char *ret)
{
	size_t length = strlen(text);

	if (length == 0)
		return "is empty";
	/* The dot that says that the name is whole. One that stands alone follows an empty label.
	 */
	if (length > 1 && text[length - 1] == '.')
		length--;
	if (length > DOMAIN_MAX)
		return "is longer than 253 bytes";
	memcpy(ret, text, length);
	ret[length] = '\0';
	for (char *label = ret;;) {
		size_t n = strcspn(label, ".");
		const char *reason = normalise_label(label, n);
		if (reason)
			return reason;
		if (label[n] == '\0')
			return only_digits(label) ? "is an address, not a name" : NULL;
		label += n + 1;
	}
}

static int fail(const char *reason, const char **ret_reason)
{
	if (ret_reason)
		*ret_reason = reason;
	return -EINVAL;
}

int domain_normalise(const char *text, bool wildcard, char ret[DOMAIN_MAX + 1],
		     const char **ret_reason)
{
	char out[2 + DOMAIN_MAX + 1] = "*.";
	size_t skip = 0;

	if (text[0] == '*') {
		if (!wildcard)
			return fail("is a wildcard, which is not possible here", ret_reason);
		if (text[1] != '.')
			return fail("has a star that is not a whole first label", ret_reason);
		skip = 2;
	}
	const char *reason = normalise(text + skip, out + skip);
	if (reason)
		return fail(reason, ret_reason);
	if (strlen(out) > DOMAIN_MAX)
		return fail("is longer than 253 bytes", ret_reason);
	strcpy(ret, out);
	return 0;
}

int domain_pattern_normalise(const char *text, char ret[DOMAIN_PATTERN_MAX],
			     const char **ret_reason)
{
	size_t skip = text[0] == '.';

	int r = domain_normalise(text + skip, !skip, ret + skip, ret_reason);
	if (r < 0)
		return r;
	if (skip)
		ret[0] = '.';
	return 0;
}

bool domain_covers(const char *pattern, const char *domain)
{
	if (pattern[0] == '*') {
		const char *rest = strchr(domain, '.');
		return rest && strcmp(rest, pattern + 1) == 0;
	}
	bool below_only = pattern[0] == '.';
	const char *base = pattern + below_only;
	size_t base_length = strlen(base), length = strlen(domain);

	if (length < base_length || strcmp(domain + length - base_length, base) != 0)
		return false;
	if (length == base_length)
		return !below_only;
	return domain[length - base_length - 1] == '.';
}
