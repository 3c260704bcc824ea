// SPDX-License-Identifier: BSD-2-Clause
#include "common/jsonrpc/jsonrpc.h"

#include "common/base/cleanup.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define ID_MAX 1024
/* "operator.method": a bare method has up to 100 bytes, an operator's name up to 255. */
#define METHOD_MAX 356
/* Deeper than any message of the protocol; jansson and our own walks recurse. */
#define DEPTH_MAX 64

void jsonrpc_error_clear(struct jsonrpc_error *error)
{
	free(error->message);
	json_decref(error->data);
	*error = (struct jsonrpc_error){0};
}

void jsonrpc_error_set(struct jsonrpc_error *error, int code, json_t *data, const char *format, ...)
{
	va_list args;
	char *message;

	va_start(args, format);
	int n = vasprintf(&message, format, args);
	va_end(args);
	jsonrpc_error_clear(error);
	error->code = code;
	error->message = n < 0 ? NULL : message;
	error->data = data;
}

void jsonrpc_request_clear(struct jsonrpc_request *request)
{
	free(request->method);
	json_decref(request->params);
	json_decref(request->id);
	*request = (struct jsonrpc_request){0};
}

/* Depth is counted in the text, before the parser recurses into it. */
static int depth_of(const char *text, size_t length)
{
	int depth = 0, deepest = 0;
	bool in_string = false;

	for (size_t i = 0; i < length; i++) {
		char c = text[i];
		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > deepest)
				deepest = depth;
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	return deepest;
}

json_t *jsonrpc_load(const char *text, size_t length)
{
	json_error_t unused;

	if (length == 0 || depth_of(text, length) > DEPTH_MAX)
		return NULL;
	return json_loadb(text, length, JSON_REJECT_DUPLICATES, &unused);
}

static json_t *invent_id(void)
{
	unsigned char random[16];
	char text[2 * sizeof(random) + 1];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return NULL;
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(text + 2 * i, 3, "%02x", random[i]);
	return json_string(text);
}

static int parse_id(json_t *id, json_t **ret)
{
	if (!id || json_is_null(id) || (json_is_string(id) && json_string_length(id) == 0)) {
		*ret = invent_id();
		return *ret ? 0 : -ENOMEM;
	}
	if (json_is_string(id) && json_string_length(id) > ID_MAX)
		return -EBADMSG;
	if (json_is_integer(id) &&
	    (json_integer_value(id) > INT32_MAX || json_integer_value(id) < INT32_MIN))
		return -EBADMSG;
	if (!json_is_string(id) && !json_is_integer(id))
		return -EBADMSG;
	*ret = json_incref(id);
	return 0;
}

static int refuse(struct jsonrpc_error *error, const char *what)
{
	jsonrpc_error_set(error, JSONRPC_INVALID_REQUEST, NULL, "invalid request: %s", what);
	return -EBADMSG;
}

static int parse_fields(const json_t *root, struct jsonrpc_request *request,
			struct jsonrpc_error *error)
{
	const char *version = json_string_value(json_object_get(root, "jsonrpc"));
	const json_t *method = json_object_get(root, "method");
	json_t *params = json_object_get(root, "params");

	if (!json_is_object(root))
		return refuse(error, "must be one object, batches are not served");
	if (!version || strcmp(version, "2.0") != 0)
		return refuse(error, "jsonrpc must be \"2.0\"");
	if (!json_is_string(method) || json_string_length(method) == 0 ||
	    json_string_length(method) > METHOD_MAX)
		return refuse(error, "method must be a string of 1 to 100 bytes, after the "
				     "operator's name");
	if (!json_is_object(params))
		return refuse(error, "params must be an object");
	if (parse_id(json_object_get(root, "id"), &request->id) < 0)
		return refuse(error, "id must be a 32-bit integer or a string of up to 1024 bytes");
	request->params = json_incref(params);
	request->method = strdup(json_string_value(method));
	if (!request->method)
		return refuse(error, "no memory");
	return 0;
}

int jsonrpc_request_parse(const char *body, size_t length, struct jsonrpc_request *ret,
			  struct jsonrpc_error *error)
{
	AUTO_JSON json_t *root = jsonrpc_load(body, length);
	struct jsonrpc_request request = {0};

	if (!root) {
		jsonrpc_error_set(error, JSONRPC_PARSE_ERROR, NULL, "JSON required");
		return -EBADMSG;
	}
	int r = parse_fields(root, &request, error);
	if (r < 0) {
		jsonrpc_request_clear(&request);
		return r;
	}
	*ret = request;
	return 0;
}

json_t *jsonrpc_result_reply(const json_t *id, json_t *result)
{
	return json_pack("{s:s, s:O?, s:O}", "jsonrpc", "2.0", "result", result, "id",
			 id ? (json_t *)id : json_null());
}

json_t *jsonrpc_error_reply(const json_t *id, const struct jsonrpc_error *error)
{
	json_t *reply = json_pack("{s:s, s:{s:i, s:s}, s:O}", "jsonrpc", "2.0", "error", "code",
				  error->code, "message", error->message ? error->message : "",
				  "id", id ? (json_t *)id : json_null());

	if (reply && error->data &&
	    json_object_set(json_object_get(reply, "error"), "data", error->data) < 0) {
		json_decref(reply);
		return NULL;
	}
	return reply;
}
