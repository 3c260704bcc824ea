// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/cleanup.h"
#include "common/settings/vars.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Length of the variable name that `text` begins with. */
static size_t name_length(const char *text)
{
	size_t length = 0;

	if (!is_letter(text[0]))
		return 0;
	while (is_letter(text[length]) || isdigit((unsigned char)text[length]) ||
	       text[length] == '_')
		length++;
	return length;
}

bool settings_is_variable(const char *name)
{
	size_t length = name_length(name);

	return length > 0 && length <= SETTINGS_VARIABLE_MAX && name[length] == '\0';
}

/* The variable whose name `text` begins with (borrowed), and its name. */
static int find(const char *text, size_t length, const json_t *values, const json_t **ret,
		char ret_name[SETTINGS_VARIABLE_MAX + 1])
{
	snprintf(ret_name, SETTINGS_VARIABLE_MAX + 1, "%.*s", (int)length, text);
	*ret = length > SETTINGS_VARIABLE_MAX ? NULL : json_object_get(values, ret_name);
	return *ret ? 0 : -ENOENT;
}

static int append(FILE *out, const json_t *value, bool after_slash)
{
	const char *text = json_string_value(value);

	if (text)
		fputs(after_slash && text[0] == '/' ? text + 1 : text, out);
	else if (json_is_integer(value))
		fprintf(out, "%lld", (long long)json_integer_value(value));
	else if (json_is_real(value))
		fprintf(out, "%.17g", json_real_value(value));
	else
		return -EINVAL;
	return 0;
}

static int interpolate(const char *text, const json_t *values, FILE *out,
		       char ret_name[SETTINGS_VARIABLE_MAX + 1])
{
	for (const char *c = text; *c;) {
		const json_t *value;

		if (c[0] == '$' && c[1] == '$') {
			fputc('$', out);
			c += 2;
			continue;
		}
		size_t length = c[0] == '$' ? name_length(c + 1) : 0;
		if (length == 0) {
			fputc(*c++, out);
			continue;
		}
		int r = find(c + 1, length, values, &value, ret_name);
		if (r == 0)
			r = append(out, value, c > text && c[-1] == '/');
		if (r < 0)
			return r;
		c += 1 + length;
	}
	return 0;
}

int settings_expand(const char *text, const json_t *values, json_t **ret,
		    char ret_name[SETTINGS_VARIABLE_MAX + 1])
{
	AUTO_FREE char *expanded = NULL;
	const json_t *value;
	size_t size;

	if (text[0] == '$' && settings_is_variable(text + 1)) {
		int r = find(text + 1, strlen(text + 1), values, &value, ret_name);
		if (r < 0)
			return r;
		json_t *copy = json_deep_copy(value);
		if (!copy)
			return -ENOMEM;
		*ret = copy;
		return 0;
	}
	FILE *out = open_memstream(&expanded, &size);
	if (!out)
		return -ENOMEM;
	int r = interpolate(text, values, out, ret_name);
	if (fclose(out) != 0)
		return -ENOMEM;
	if (r < 0)
		return r;
	json_t *string = json_stringn(expanded, size);
	if (!string)
		return -ENOMEM;
	*ret = string;
	return 0;
}
