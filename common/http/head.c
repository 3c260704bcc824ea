// SPDX-License-Identifier: BSD-2-Clause
#include "common/http/head.h"

#include <string.h>
#include <strings.h>

struct slice {
	const char *start;
	size_t length;
};

size_t http_head_length(const char *text, size_t length)
{
	const char *end = memmem(text, length, "\r\n\r\n", 4);

	return end ? (size_t)(end - text) + 4 : 0;
}

static bool equals(struct slice slice, const char *text)
{
	return slice.length == strlen(text) && strncasecmp(slice.start, text, slice.length) == 0;
}

static struct slice trim(struct slice slice)
{
	while (slice.length > 0 && strchr(" \t", slice.start[0])) {
		slice.start++;
		slice.length--;
	}
	while (slice.length > 0 && strchr(" \t", slice.start[slice.length - 1]))
		slice.length--;
	return slice;
}

/* Cut what comes before `separator` off `rest`; all of it if there is none. */
static struct slice cut(struct slice *rest, char separator)
{
	const char *found = memchr(rest->start, separator, rest->length);
	struct slice first = {rest->start, found ? (size_t)(found - rest->start) : rest->length};
	size_t taken = first.length + (found ? 1 : 0);

	rest->start += taken;
	rest->length -= taken;
	return first;
}

/* tchar of RFC 9110 section 5.6.2. */
static bool is_token(struct slice slice)
{
	for (size_t i = 0; i < slice.length; i++) {
		unsigned char c = (unsigned char)slice.start[i];
		if (c <= 0x20 || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c))
			return false;
	}
	return slice.length > 0;
}

static bool has_control_bytes(struct slice line)
{
	for (size_t i = 0; i < line.length; i++) {
		unsigned char c = (unsigned char)line.start[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return true;
	}
	return false;
}

/* Whether a comma-separated list holds `token`. */
static bool list_has(struct slice list, const char *token)
{
	while (list.length > 0)
		if (equals(trim(cut(&list, ',')), token))
			return true;
	return false;
}

/* origin-form or absolute-form of RFC 9112 section 3.2. */
static int parse_target(struct slice target, struct http_head *head)
{
	static const char *const schemes[] = {"http://", "https://"};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t length = strlen(schemes[i]);
		if (target.length < length || strncasecmp(target.start, schemes[i], length) != 0)
			continue;
		target.start += length;
		target.length -= length;
		const char *slash = memchr(target.start, '/', target.length);
		if (!slash)
			return 400;
		target.length -= (size_t)(slash - target.start);
		target.start = slash;
	}
	if (target.length == 0 || target.start[0] != '/')
		return 400;
	struct slice path = cut(&target, '?');
	if (path.length > HTTP_PATH_MAX)
		return 414;
	memcpy(head->path, path.start, path.length);
	head->path[path.length] = '\0';
	return 0;
}

static const struct {
	const char *name;
	enum http_method method;
} methods[] = {
	{"GET", HTTP_METHOD_GET}, {"HEAD", HTTP_METHOD_HEAD},     {"POST", HTTP_METHOD_POST},
	{"PUT", HTTP_METHOD_PUT}, {"DELETE", HTTP_METHOD_DELETE},
};

/* Unlike most names in HTTP, those of methods know upper and lower case. */
static enum http_method method_of(struct slice name)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (name.length == strlen(methods[i].name) &&
		    memcmp(name.start, methods[i].name, name.length) == 0)
			return methods[i].method;
	return HTTP_METHOD_OTHER;
}

const char *http_method_name(unsigned method)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (methods[i].method == method)
			return methods[i].name;
	return NULL;
}

static int parse_request_line(struct slice line, struct http_head *head)
{
	struct slice method = cut(&line, ' ');
	struct slice target = cut(&line, ' ');

	if (!is_token(method))
		return 400;
	head->method = method_of(method);
	int status = parse_target(target, head);
	if (status != 0)
		return status;
	if (line.length != 8 || memcmp(line.start, "HTTP/", 5) != 0 || line.start[6] != '.')
		return 400;
	if (line.start[5] != '1')
		return 505;
	head->is_1_0 = line.start[7] == '0';
	head->keep_alive = !head->is_1_0;
	return 0;
}

static int parse_length(struct slice value, struct http_head *head, bool *seen)
{
	uint64_t length = 0;

	/* 18 digits cannot overflow, and no limit is that high. */
	if (*seen || value.length == 0 || value.length > 18)
		return 400;
	for (size_t i = 0; i < value.length; i++) {
		if (value.start[i] < '0' || value.start[i] > '9')
			return 400;
		length = length * 10 + (uint64_t)(value.start[i] - '0');
	}
	head->content_length = length;
	*seen = true;
	return 0;
}

static void set_type(struct http_head *head, struct slice type)
{
	if (type.length > HTTP_TYPE_MAX)
		type.length = 0;
	memcpy(head->content_type, type.start, type.length);
	head->content_type[type.length] = '\0';
}

static int parse_field(struct slice line, struct http_head *head, bool *length_seen)
{
	const char *colon = memchr(line.start, ':', line.length);
	struct slice name = cut(&line, ':');
	struct slice value = trim(line);

	if (!colon || !is_token(name))
		return 400;
	if (equals(name, "Content-Length"))
		return parse_length(value, head, length_seen);
	if (equals(name, "Transfer-Encoding"))
		return 411;
	if (equals(name, "Connection")) {
		if (list_has(value, "close"))
			head->keep_alive = false;
	} else if (equals(name, "Content-Type")) {
		set_type(head, trim(cut(&value, ';')));
	} else if (equals(name, "Expect")) {
		head->expects_continue = equals(value, "100-continue");
	}
	return 0;
}

int http_head_parse(const char *text, size_t length, struct http_head *ret)
{
	struct http_head head = {0};
	struct slice rest = {text, length};
	bool first = true, length_seen = false;

	while (rest.length > 0) {
		struct slice line = cut(&rest, '\n');
		if (line.length == 0 || line.start[line.length - 1] != '\r')
			return 400;
		line.length--;
		if (line.length == 0)
			break;
		if (has_control_bytes(line))
			return 400;
		int status = first ? parse_request_line(line, &head)
				   : parse_field(line, &head, &length_seen);
		if (status != 0)
			return status;
		first = false;
	}
	if (first)
		return 400;
	*ret = head;
	return 0;
}
