// SPDX-License-Identifier: BSD-2-Clause
#include "common/settings/vars.h"

#include "tests/unit/common/settings/fixture.h"

static const char values_text[] =
	"{\"A\":\"x\",\"N\":5,\"F\":1.5,\"B\":true,\"Z\":null,\"M\":{\"k\":1},"
	"\"DIR\":\"/srv/s\",\"A_b9\":\"y\"}";

static int expand(const char *text, json_t **ret, char name[SETTINGS_VARIABLE_MAX + 1])
{
	json_t *values = json_loads(values_text, 0, NULL);

	assert_non_null(values);
	int r = settings_expand(text, values, ret, name);
	json_decref(values);
	return r;
}

static void gives(const char *text, const char *want)
{
	char name[SETTINGS_VARIABLE_MAX + 1];
	json_t *value = NULL;

	assert_int_equal(expand(text, &value, name), 0);
	is_json(value, want);
	json_decref(value);
}

static void fails(const char *text, int error, const char *want)
{
	char name[SETTINGS_VARIABLE_MAX + 1];
	json_t *value = NULL;

	assert_int_equal(expand(text, &value, name), error);
	assert_null(value);
	assert_string_equal(name, want);
}

static void keeps_type(void **state)
{
	(void)state;
	gives("$A", "\"x\"");
	gives("$N", "5");
	gives("$F", "1.5");
	gives("$B", "true");
	gives("$Z", "null");
	gives("$M", "{\"k\":1}");
}

static void interpolates(void **state)
{
	(void)state;
	gives("", "\"\"");
	gives("none", "\"none\"");
	gives("a $A b $N", "\"a x b 5\"");
	gives("$A$N", "\"x5\"");
	gives("$A.$A_b9-$F", "\"x.y-1.5\"");
	gives("$A/", "\"x/\"");
}

static void escapes(void **state)
{
	(void)state;
	gives("$$A", "\"$A\"");
	gives("a $$ b", "\"a $ b\"");
	gives("$$$$A", "\"$$A\"");
	gives("$$$A", "\"$x\"");
	/* Regular expressions and prices need no escape. */
	gives("^a\\d+$", "\"^a\\\\d+$\"");
	gives("$5 $", "\"$5 $\"");
	gives("$_A", "\"$_A\"");
}

static void slashes(void **state)
{
	(void)state;
	gives("$DIR", "\"/srv/s\"");
	gives("/$DIR/a", "\"/srv/s/a\"");
	gives("$DIR/a", "\"/srv/s/a\"");
	gives("x/$DIR", "\"x/srv/s\"");
	gives("//$DIR", "\"//srv/s\"");
}

static void refuses(void **state)
{
	char text[200] = "a $";

	(void)state;
	fails("$X", -ENOENT, "X");
	fails("a/$Ab", -ENOENT, "Ab");
	fails("a $M", -EINVAL, "M");
	fails("a $B", -EINVAL, "B");
	fails("a $Z", -EINVAL, "Z");
	memset(text + 3, 'v', 150);
	memset(text + 153, 0, 1);
	json_t *value = NULL;
	char name[SETTINGS_VARIABLE_MAX + 1];
	assert_int_equal(expand(text, &value, name), -ENOENT);
	assert_int_equal(strlen(name), SETTINGS_VARIABLE_MAX);
}

static void names(void **state)
{
	(void)state;
	assert_true(settings_is_variable("A"));
	assert_true(settings_is_variable("db_2"));
	assert_false(settings_is_variable(""));
	assert_false(settings_is_variable("2a"));
	assert_false(settings_is_variable("_a"));
	assert_false(settings_is_variable("a-b"));
	assert_false(settings_is_variable("\xc3\xa4"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_type), cmocka_unit_test(interpolates),
		cmocka_unit_test(escapes),    cmocka_unit_test(slashes),
		cmocka_unit_test(refuses),    cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
