// SPDX-License-Identifier: BSD-2-Clause
#include "common/settings/yaml.h"

#include "tests/unit/common/settings/fixture.h"

static void means(const char *text, const char *want)
{
	json_t *value = NULL;

	assert_int_equal(settings_yaml_scalar(text, &value), 0);
	is_json(value, want);
	json_decref(value);
}

static void core_schema(void **state)
{
	(void)state;
	means("", "null");
	means("~", "null");
	means("NULL", "null");
	means("true", "true");
	means("False", "false");
	means("0", "0");
	means("-17", "-17");
	means("+17", "17");
	means("010", "10");
	means("0o17", "15");
	means("0xfF", "255");
	means("1.5", "1.5");
	means(".5", "0.5");
	means("1.", "1.0");
	means("-2e3", "-2000.0");
	means("9223372036854775807", "9223372036854775807");
}

static void strings(void **state)
{
	static const char *const texts[] = {"yes",        "no",   "on",  "off",   "nUll",
					    "tRue",       "0x",   "0o8", "1.2.3", "1e",
					    "-",          "+",    ".",   "10s",   "1_000",
					    "0b1",        "1:30", "::1", "e5",    "localhost:443",
					    "2026-11-22", "-0x1", "- 1"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		json_t *value = NULL;

		assert_int_equal(settings_yaml_scalar(texts[i], &value), 0);
		if (!json_is_string(value))
			fail_msg("%s is no string", texts[i]);
		assert_string_equal(json_string_value(value), texts[i]);
		json_decref(value);
	}
}

static void not_held(void **state)
{
	static const char *const texts[] = {
		"9223372036854775808", "-99999999999999999999", "1e999", ".inf", "-.Inf", ".nan",
		"0xffffffffffffffffff"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		json_t *value = NULL;

		assert_int_equal(settings_yaml_scalar(texts[i], &value), -ERANGE);
		assert_null(value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(core_schema),
		cmocka_unit_test(strings),
		cmocka_unit_test(not_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
