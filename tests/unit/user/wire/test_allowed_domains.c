// SPDX-License-Identifier: BSD-2-Clause
#include "user/wire/allowed_domains.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>

static int load(const char *text, struct allowed_domains *ret)
{
	json_t *settings = json_loads(text, 0, NULL);

	assert_non_null(settings);
	int r = allowed_domains_load(settings, ret);
	json_decref(settings);
	return r;
}

static void covers_what_is_listed(void **state)
{
	struct allowed_domains allowed;

	(void)state;
	assert_int_equal(load("{\"allowed_domains\": [\".Example.org\", \"*.two.org\"]}", &allowed),
			 0);
	assert_true(allowed_domains_cover(&allowed, "www.example.org"));
	assert_true(allowed_domains_cover(&allowed, "a.two.org"));
	assert_false(allowed_domains_cover(&allowed, "example.org"));
	assert_false(allowed_domains_cover(&allowed, "b.a.two.org"));
	allowed_domains_clear(&allowed);
	assert_int_equal(load("{\"allowed_domains\": []}", &allowed), 0);
	assert_false(allowed_domains_cover(&allowed, "example.org"));
	allowed_domains_clear(&allowed);
}

static void malformed_settings_are_refused(void **state)
{
	static const char *const bad[] = {
		"{}",
		"{\"allowed_domains\": \".example.org\"}",
		"{\"allowed_domains\": [7]}",
		"{\"allowed_domains\": [\"\"]}",
		"{\"allowed_domains\": [\".ok.org\", \"a..b\"]}",
	};
	struct allowed_domains allowed;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(load(bad[i], &allowed), -EBADMSG);
	assert_int_equal(allowed_domains_load(NULL, &allowed), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(covers_what_is_listed),
		cmocka_unit_test(malformed_settings_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
