// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/common/settings/fixture.h"

static void remembers(void **state)
{
	struct lines *lines = lines_new();
	json_t *map = json_object(), *other = json_object();
	const char *file = lines_file(lines, "a.yml");

	(void)state;
	assert_ptr_equal(lines_file(lines, "a.yml"), file);
	assert_ptr_not_equal(lines_file(lines, "b.yml"), file);
	assert_int_equal(lines_set(lines, map, "x", (struct settings_place){file, 3}), 0);
	assert_int_equal(lines_get(lines, map, "x").line, 3);
	assert_ptr_equal(lines_get(lines, map, "x").file, file);
	assert_null(lines_get(lines, map, "y").file);
	assert_null(lines_get(lines, other, "x").file);
	assert_null(lines_get(NULL, map, "x").file);
	assert_int_equal(lines_set(lines, map, "x", (struct settings_place){file, 4}), 0);
	assert_int_equal(lines_get(lines, map, "x").line, 4);
	json_decref(map);
	json_decref(other);
	lines_free(lines);
	lines_free(NULL);
}

static void counts_values(void **state)
{
	struct lines *lines = lines_new();
	json_t *list = json_array();
	char text[SETTINGS_INDEX_TEXT];

	(void)state;
	for (unsigned i = 0; i < SETTINGS_VALUES_MAX; i++)
		assert_int_equal(lines_set(lines, list, lines_index(i, text),
					   (struct settings_place){NULL, i}),
				 0);
	assert_int_equal(lines_set(lines, list, "more", (struct settings_place){0}), -E2BIG);
	/* What is known may still move. */
	assert_int_equal(lines_set(lines, list, "7", (struct settings_place){NULL, 8}), 0);
	assert_int_equal(lines_get(lines, list, "7").line, 8);
	assert_int_equal(lines_get(lines, list, "199999").line, 199999);
	json_decref(list);
	lines_free(lines);
}

static void follows_shape(void **state)
{
	struct lines *lines = lines_new();
	json_t *from = json_pack("{s:[i,{s:i}]}", "a", 1, "b", 2), *to = json_deep_copy(from);
	json_t *list = json_object_get(from, "a");

	(void)state;
	assert_int_equal(lines_set(lines, from, "a", (struct settings_place){"f", 1}), 0);
	assert_int_equal(lines_set(lines, list, "1", (struct settings_place){"f", 2}), 0);
	assert_int_equal(
		lines_set(lines, json_array_get(list, 1), "b", (struct settings_place){"f", 3}), 0);
	assert_int_equal(lines_copy(lines, to, from), 0);
	list = json_object_get(to, "a");
	assert_int_equal(lines_get(lines, to, "a").line, 1);
	assert_int_equal(lines_get(lines, list, "1").line, 2);
	assert_int_equal(lines_get(lines, json_array_get(list, 1), "b").line, 3);
	assert_int_equal(lines_spread(lines, to, (struct settings_place){"g", 9}), 0);
	assert_int_equal(lines_get(lines, json_array_get(list, 1), "b").line, 9);
	json_decref(from);
	json_decref(to);
	lines_free(lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remembers),
		cmocka_unit_test(counts_values),
		cmocka_unit_test(follows_shape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
