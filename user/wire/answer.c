// SPDX-License-Identifier: BSD-2-Clause
#include "user/wire/answer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void answer_ok(struct jsonrpc_call *call)
{
	jsonrpc_call_result(call, json_string("ok"));
}

void answer_error(struct jsonrpc_call *call, int code, const char *message, json_t *data)
{
	struct jsonrpc_error error = {0};

	jsonrpc_error_set(&error, code, data, "%s", message);
	jsonrpc_call_error(call, &error);
}

void answer_invalid(struct jsonrpc_call *call, struct form *form)
{
	struct jsonrpc_error error = {0};

	form_error(form, &error);
	form_clear(form);
	jsonrpc_call_error(call, &error);
}

void answer_internal(struct jsonrpc_call *call, const char *why)
{
	answer_error(call, JSONRPC_INTERNAL_ERROR, "internal error",
		     json_pack("{s:s}", "reason", why));
}

json_t *answer_refusal(int code, const char *message)
{
	return json_pack("{s:i, s:s}", "code", code, "message", message);
}

bool answer_item_ok(const json_t *item, int *ret_code, const char **ret_message)
{
	const json_t *code = json_object_get(item, "code");
	const char *message = json_string_value(json_object_get(item, "message"));

	if (!json_is_number(code))
		return true;
	*ret_code = (int)json_number_value(code);
	*ret_message = message ? message : "";
	return false;
}

const json_t *answer_list(const json_t *result)
{
	if (json_is_object(result))
		result = json_object_get(result, "_");
	return json_is_array(result) ? result : NULL;
}

const char *answer_why(int r, const struct jsonrpc_error *error)
{
	return error->message ? error->message : strerror(-r);
}

void answer_problem(int r, const struct jsonrpc_error *error, char ret[ANSWER_PROBLEM_MAX])
{
	if (r == -EPROTO)
		snprintf(ret, ANSWER_PROBLEM_MAX, "%d %s", error->code, error->message);
	else
		snprintf(ret, ANSWER_PROBLEM_MAX, "%s", answer_why(r, error));
}
