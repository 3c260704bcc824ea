// SPDX-License-Identifier: BSD-2-Clause
/* From the text of a directory file to entries. */
#include "common/base/cleanup.h"
#include "common/base/error.h"
#include "relay/directory/address.h"
#include "relay/directory/private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct source {
	const char *file;
	const char *text;
	size_t length;
	char **ret_error;
};

/*
 * The line on which item `index` of the top-level list "records" begins. The
 * text is known to be valid JSON: it is enough to follow strings and depth.
 */
static int line_of_record(const struct source *source, size_t index)
{
	static const char key[] = "\"records\"";
	bool in_string = false, in_records = false, wanted = false;
	int line = 1, depth = 0;
	size_t item = 0;

	for (size_t i = 0; i < source->length; i++) {
		char c = source->text[i];
		if (c == '\n')
			line++;
		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
			continue;
		}
		if (wanted && !strchr(" \t\r\n,", c))
			return line;
		if (c == '"') {
			in_string = true;
			if (depth == 1 && source->length - i > strlen(key) &&
			    memcmp(source->text + i, key, strlen(key)) == 0)
				in_records = true;
		} else if (c == '[' || c == '{') {
			depth++;
			wanted = in_records && depth == 2 && index == 0;
		} else if (c == ']' || c == '}') {
			depth--;
			in_records = in_records && depth > 1;
		} else if (c == ',' && in_records && depth == 2) {
			wanted = ++item == index;
		} else if (c == ',' && depth == 1) {
			in_records = false;
		}
	}
	return line;
}

__attribute__((format(printf, 3, 4))) static int refuse(const struct source *source, size_t index,
							const char *format, ...)
{
	AUTO_FREE char *what = NULL;
	va_list args;

	va_start(args, format);
	(void)error_set_list(&what, 0, format, args);
	va_end(args);
	if (!what)
		return -ENOMEM;
	return error_set(source->ret_error, -EBADMSG, "%s:%d: record %zu: %s", source->file,
			 line_of_record(source, index), index + 1, what);
}

static json_t *empty_entry(const char *name)
{
	return json_pack("{s:s, s:[], s:[], s:[], s:n, s:{s:s}}", "name", name, "groups",
			 "channels", "certificates", "preferences", "properties", "displayName",
			 "");
}

static int set_section(struct directory *directory, const char *name, const char *section,
		       json_t *data)
{
	json_t *entry = directory_entry(directory, name);

	if (!entry) {
		entry = empty_entry(name);
		int r = directory_add(directory, name, entry);
		if (r < 0)
			return r;
	}
	return json_object_set(entry, section, data) < 0 ? -ENOMEM : 0;
}

static int add_record(struct directory *directory, const struct source *source, size_t index,
		      const json_t *record)
{
	const json_t *name = json_object_get(record, "name");
	const json_t *section = json_object_get(record, "section");
	json_t *data = json_object_get(record, "data");
	AUTO_FREE char *why = NULL;

	if (!json_is_object(record))
		return refuse(source, index, "must be an object");
	if (json_is_object(json_object_get(record, "record")))
		return refuse(source, index,
			      "is a signed record; a directory of type json holds plain ones, "
			      "with name, section and data");
	if (!json_is_string(name) || !address_operator_valid(json_string_value(name)))
		return refuse(source, index,
			      "name must be an operator's name: 1 to %d letters, digits, '.', '-' "
			      "or '_'",
			      ADDRESS_OPERATOR_MAX);
	if (!json_is_string(section))
		return refuse(source, index, "section must be a string");
	int r = directory_check_section(json_string_value(section), data, &why);
	if (r == -EBADMSG)
		return refuse(source, index, "operator %s, section %s: %s", json_string_value(name),
			      json_string_value(section), why ? why : "cannot be used");
	if (r < 0)
		return r;
	return set_section(directory, json_string_value(name), json_string_value(section), data);
}

int directory_add_records(struct directory *directory, const char *file, const char *text,
			  size_t length, char **ret_error)
{
	struct source source = {file, text, length, ret_error};
	json_error_t error;
	AUTO_JSON json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	const json_t *records, *record;
	size_t i;

	if (!root || !json_is_object(root) || !json_is_array(json_object_get(root, "records")))
		return error_set(ret_error, -EBADMSG, "%s:%d: %s", file, root ? 1 : error.line,
				 root ? "must be an object with a list \"records\"" : error.text);
	records = json_object_get(root, "records");
	json_array_foreach(records, i, record) {
		int r = add_record(directory, &source, i, record);
		if (r < 0)
			return r;
	}
	return 0;
}
