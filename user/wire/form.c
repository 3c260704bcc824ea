// SPDX-License-Identifier: BSD-2-Clause
#include "user/wire/form.h"

#include "common/base/cleanup.h"
#include "common/base/domain.h"
#include "common/base/timestamp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Enough to mend a request by; a list of thousands of wrong items is not repeated in full. */
#define ERRORS_MAX 20

void form_clear(struct form *form)
{
	json_decref(form->errors);
	form->errors = NULL;
}

bool form_ok(const struct form *form)
{
	return !form->errors;
}

void form_item(struct form *form, const char *list, size_t index)
{
	if (list)
		snprintf(form->prefix, sizeof(form->prefix), "%s.%zu", list, index);
	else
		form->prefix[0] = '\0';
}

void form_fail(struct form *form, const char *field, const char *what)
{
	char name[96];

	if (!form->errors)
		form->errors = json_object();
	if (json_object_size(form->errors) >= ERRORS_MAX)
		return;
	snprintf(name, sizeof(name), "%s%s%s", form->prefix, form->prefix[0] && field[0] ? "." : "",
		 field);
	json_object_set_new(form->errors, name, json_string(what));
}

/* "invalid input data: domain(is required), proxy(is required)" */
static json_t *summary(const json_t *errors)
{
	const char *field, *separator = ": ";
	json_t *what;
	char text[512];

	size_t used = (size_t)snprintf(text, sizeof(text), "invalid input data");
	json_object_foreach((json_t *)errors, field, what) {
		if (used < sizeof(text))
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s(%s)",
						 separator, field, json_string_value(what));
		separator = ", ";
	}
	return json_string(text);
}

void form_error(const struct form *form, struct jsonrpc_error *error)
{
	json_t *data = json_pack("{s:s, s:O, s:o, s:[]}", "code", "FORM-ERROR", "data",
				 form->errors, "message", summary(form->errors), "traceback");

	jsonrpc_error_set(error, JSONRPC_INVALID_PARAMS, data, "invalid params");
}

const char *form_string(struct form *form, const json_t *params, const char *field, size_t max)
{
	const json_t *value = json_object_get(params, field);
	const char *text = json_string_value(value);

	if (!value || json_is_null(value))
		form_fail(form, field, "is required");
	else if (!text)
		form_fail(form, field, "is not a string");
	else if (text[0] == '\0')
		form_fail(form, field, "is empty");
	else if (json_string_length(value) > max || strlen(text) != json_string_length(value))
		form_fail(form, field, "is too long");
	else
		return text;
	return "";
}

void form_domain(struct form *form, const json_t *params, bool wildcard, char ret[DOMAIN_MAX + 1])
{
	const char *reason = NULL;

	ret[0] = '\0';
	/* One more for the dot that may end it. */
	const char *text = form_string(form, params, "domain", DOMAIN_MAX + 1);
	if (text[0] != '\0' && domain_normalise(text, wildcard, ret, &reason) < 0)
		form_fail(form, "domain", reason);
}

void form_expires_at(struct form *form, const json_t *params, int64_t now, int64_t *ret)
{
	const json_t *value = json_object_get(params, "expires_at");
	int64_t at;

	*ret = 0;
	if (!value || json_is_null(value))
		return;
	if (!json_is_string(value) || timestamp_parse(json_string_value(value), &at) < 0)
		form_fail(form, "expires_at", "is not a time as RFC 3339 writes it");
	else if (at > now + EXPIRY_MAX_MS)
		form_fail(form, "expires_at",
			  "timed announcements need to expire in 7 days or less");
	else
		*ret = at > 0 ? at : 1;
}
