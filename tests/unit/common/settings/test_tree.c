// SPDX-License-Identifier: BSD-2-Clause
#include "common/settings/tree.h"

#include "tests/unit/common/settings/fixture.h"

static json_t *tree_of(const char *text)
{
	json_t *tree = json_loads(text, 0, NULL);

	assert_non_null(tree);
	return tree;
}

static void merges_at(enum merge_stage stage, const char *into, const char *from, const char *want)
{
	json_t *a = tree_of(into), *b = tree_of(from), *kept = json_deep_copy(b);
	struct lines *lines = lines_new();

	assert_int_equal(settings_merge(lines, stage, a, b), 0);
	is_json(a, want);
	/* The second is left as it was, and shares no container with the first. */
	assert_true(json_equal(b, kept));
	json_decref(b);
	is_json(a, want);
	json_decref(a);
	json_decref(kept);
	lines_free(lines);
}

static void merges(const char *into, const char *from, const char *want)
{
	merges_at(MERGE_FILES, into, from, want);
}

static void files(void **state)
{
	(void)state;
	merges("{}", "{\"a\":{\"b\":[1]}}", "{\"a\":{\"b\":[1]}}");
	merges("{\"a\":{\"b\":1,\"c\":2}}", "{\"a\":{\"c\":3,\"d\":4}}",
	       "{\"a\":{\"b\":1,\"c\":3,\"d\":4}}");
	merges("{\"a\":[1,2]}", "{\"a\":[2,3]}", "{\"a\":[1,2,2,3]}");
	merges("{\"a\":1}", "{\"a\":\"x\"}", "{\"a\":\"x\"}");
	merges("{\"a\":1}", "{\"a\":null}", "{\"a\":1}");
	merges("{\"a\":null}", "{\"a\":1}", "{\"a\":1}");
	merges("{}", "{\"a\":null}", "{\"a\":null}");
	merges("{\"a\":[1]}", "{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1}}");
	merges("{\"a\":{\"b\":1}}", "{\"a\":2}", "{\"a\":2}");
}

static void replacing(void **state)
{
	(void)state;
	merges("{\"a\":[1,2]}", "{\"a!\":[3]}", "{\"a\":[3]}");
	merges("{\"a\":{\"b\":1}}", "{\"a!\":{\"c\":2}}", "{\"a\":{\"c\":2}}");
	merges("{\"a\":{\"b\":[1]}}", "{\"a\":{\"b!\":[2]}}", "{\"a\":{\"b\":[2]}}");
	merges("{\"a\":1}", "{\"a!\":null}", "{\"a\":null}");
	merges("{}", "{\"a!\":1}", "{\"a\":1}");
	merges("{}", "{\"a\":[{\"b!\":1}]}", "{\"a\":[{\"b\":1}]}");
	merges("{}", "{\"a!\":{\"b!\":1}}", "{\"a\":{\"b\":1}}");
	merges("{}", "{\"!\":1}", "{\"!\":1}");
}

static void parts(void **state)
{
	(void)state;
	/* The mark stays for the files before this one. */
	merges_at(MERGE_PARTS, "{\"a\":[1]}", "{\"a!\":[2]}", "{\"a!\":[2]}");
	merges_at(MERGE_PARTS, "{\"a!\":[1]}", "{\"a\":[2]}", "{\"a!\":[1,2]}");
	merges_at(MERGE_PARTS, "{}", "{\"a\":{\"b!\":1}}", "{\"a\":{\"b!\":1}}");
	merges_at(MERGE_PARTS, "{\"a\":{\"b\":1}}", "{\"a\":{\"c\":2}}",
		  "{\"a\":{\"b\":1,\"c\":2}}");
}

static void places_go_along(void **state)
{
	json_t *into = tree_of("{\"a\":[1]}"), *from = tree_of("{\"a\":[2],\"b\":3}");
	struct lines *lines = lines_new();

	(void)state;
	assert_int_equal(lines_spread(lines, into, (struct settings_place){"one", 1}), 0);
	assert_int_equal(lines_spread(lines, from, (struct settings_place){"two", 2}), 0);
	assert_int_equal(settings_merge(lines, MERGE_FILES, into, from), 0);
	assert_string_equal(lines_get(lines, json_object_get(into, "a"), "0").file, "one");
	assert_string_equal(lines_get(lines, json_object_get(into, "a"), "1").file, "two");
	assert_int_equal(lines_get(lines, into, "b").line, 2);
	json_decref(into);
	json_decref(from);
	lines_free(lines);
}

static void long_keys(void **state)
{
	struct lines *lines = lines_new();
	json_t *into = json_object(), *from = json_object();
	char key[2000];

	(void)state;
	memset(key, 'k', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	json_object_set_new(from, key, json_true());
	assert_int_equal(settings_merge(lines, MERGE_FILES, into, from), -E2BIG);
	json_decref(into);
	json_decref(from);
	lines_free(lines);
}

static void depth(void **state)
{
	json_t *tree = tree_of("{\"a\":[1,{\"b\":[]}]}");

	(void)state;
	assert_int_equal(settings_depth(tree), 4);
	assert_int_equal(settings_depth(json_object_get(tree, "c")), 0);
	json_decref(tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files),     cmocka_unit_test(replacing),
		cmocka_unit_test(parts),     cmocka_unit_test(places_go_along),
		cmocka_unit_test(long_keys), cmocka_unit_test(depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
