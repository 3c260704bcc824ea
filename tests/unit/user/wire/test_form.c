// SPDX-License-Identifier: BSD-2-Clause
#include "user/wire/form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define NOW 1795340131000 /* 2026-11-22T09:35:31Z */

/* {} stands for a form without a fault. */
static void assert_form(struct form *form, const char *data)
{
	struct jsonrpc_error error = {0};

	assert_false(form_ok(form));
	form_error(form, &error);
	assert_int_equal(error.code, -32602);
	assert_string_equal(error.message, "invalid params");
	char *text = json_dumps(error.data, JSON_SORT_KEYS);
	assert_string_equal(text, data);
	free(text);
	jsonrpc_error_clear(&error);
	form_clear(form);
}

static void reports_as_the_originals_do(void **state)
{
	json_t *params = json_pack("{s:s}", "expires_at", "2026-12-22T09:35:31Z");
	struct form form = FORM_INIT;
	int64_t at = 1;

	(void)state;
	form_expires_at(&form, params, NOW, &at);
	assert_int_equal(at, 0);
	assert_form(&form,
		    "{\"code\": \"FORM-ERROR\", \"data\": {\"expires_at\": \"timed announcements "
		    "need to expire in 7 days or less\"}, \"message\": \"invalid input data: "
		    "expires_at(timed announcements need to expire in 7 days or less)\", "
		    "\"traceback\": []}");
	json_decref(params);
}

static void reads_fields(void **state)
{
	json_t *params = json_pack("{s:s, s:s, s:n, s:i}", "domain", "WWW.Example.org", "proxy",
				   "p-1", "nothing", "number", 7);
	char domain[DOMAIN_MAX + 1];
	struct form form = FORM_INIT;
	int64_t at = 1;

	(void)state;
	form_domain(&form, params, false, domain);
	assert_string_equal(domain, "www.example.org");
	assert_string_equal(form_string(&form, params, "proxy", 3), "p-1");
	form_expires_at(&form, params, NOW, &at);
	assert_int_equal(at, 0);
	assert_true(form_ok(&form));

	assert_string_equal(form_string(&form, params, "proxy", 2), "");
	assert_string_equal(form_string(&form, params, "nothing", 9), "");
	assert_string_equal(form_string(&form, params, "missing", 9), "");
	form_item(&form, "connections", 3);
	assert_string_equal(form_string(&form, params, "number", 9), "");
	form_fail(&form, "", "is not an object");
	assert_form(&form,
		    "{\"code\": \"FORM-ERROR\", \"data\": {\"connections.3\": \"is not an "
		    "object\", \"connections.3.number\": \"is not a string\", \"missing\": \"is "
		    "required\", \"nothing\": \"is required\", \"proxy\": \"is too long\"}, "
		    "\"message\": \"invalid input data: proxy(is too long), nothing(is required), "
		    "missing(is required), connections.3.number(is not a string), connections.3(is "
		    "not an object)\", \"traceback\": []}");
	json_decref(params);
}

static void times_may_have_passed(void **state)
{
	json_t *params = json_pack("{s:s}", "expires_at", "2020-01-01T00:00:00Z");
	struct form form = FORM_INIT;
	int64_t at;

	(void)state;
	form_expires_at(&form, params, NOW, &at);
	assert_true(form_ok(&form));
	assert_int_equal(at, 1577836800000);
	/* 0 means never, so the epoch itself must not become it. */
	json_object_set_new(params, "expires_at", json_string("1970-01-01T00:00:00Z"));
	form_expires_at(&form, params, NOW, &at);
	assert_int_equal(at, 1);
	json_object_set_new(params, "expires_at", json_string("soon"));
	form_expires_at(&form, params, NOW, &at);
	assert_false(form_ok(&form));
	form_clear(&form);
	json_object_set_new(params, "expires_at", json_integer(5));
	form_expires_at(&form, params, NOW, &at);
	assert_false(form_ok(&form));
	form_clear(&form);
	json_decref(params);
}

static void does_not_repeat_thousands_of_faults(void **state)
{
	struct form form = FORM_INIT;
	struct jsonrpc_error error = {0};

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		form_item(&form, "connections", i);
		form_fail(&form, "domain", "is required");
	}
	form_error(&form, &error);
	assert_true(json_object_size(json_object_get(error.data, "data")) <= 20);
	assert_true(json_string_length(json_object_get(error.data, "message")) < 512);
	jsonrpc_error_clear(&error);
	form_clear(&form);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports_as_the_originals_do),
		cmocka_unit_test(reads_fields),
		cmocka_unit_test(times_may_have_passed),
		cmocka_unit_test(does_not_repeat_thousands_of_faults),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
