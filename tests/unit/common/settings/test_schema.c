// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/common/settings/fixture.h"

static const char *check_point(const json_t *point)
{
	return settings_integer(point, "x") > settings_integer(point, "y") ? "x is beyond y" : NULL;
}

static const struct schema_key point_keys[] = {
	SCHEMA_KEY("x", INTEGER, .flags = SCHEMA_REQUIRED, .max = 100, .doc = "how far"),
	SCHEMA_KEY("y", INTEGER, .fallback = "50", .max = 100),
	SCHEMA_END,
};
static const struct schema point = {.keys = point_keys, .check = check_point};

static const struct schema_variant kinds[] = {
	{.type = "round", .settings = &point, .doc = "has a middle"},
	{.type = "empty", .doc = "has nothing"},
	{.type = "old", .flags = SCHEMA_UNSERVED, .doc = "was"},
	{.type = "odd", .refusal = "odd things are not served; use round"},
	{.type = NULL},
};
static const struct schema_key thing_keys[] = {
	SCHEMA_KEY("label", STRING, .fallback = NULL),
	SCHEMA_END,
};
static const struct schema thing = {.keys = thing_keys};

static const struct schema_key root_keys[] = {
	SCHEMA_KEY("wait", DURATION, .fallback = "1.5s", .max = 3600000),
	SCHEMA_KEY("room", SIZE, .fallback = "4KiB"),
	SCHEMA_KEY("name", STRING, .fallback = "nobody"),
	SCHEMA_KEY("flag", BOOL, .fallback = "true"),
	SCHEMA_KEY("from", OBJECT, .object = &point),
	SCHEMA_KEY("points", LIST, .element = SCHEMA_OBJECT, .object = &point, .fallback = "[]"),
	SCHEMA_KEY("names", LIST, .flags = SCHEMA_REQUIRED, .element = SCHEMA_STRING,
		   .doc = "whom"),
	SCHEMA_KEY("thing", TAGGED, .variants = kinds),
	SCHEMA_KEY("things", LIST, .element = SCHEMA_TAGGED, .variants = kinds, .object = &thing),
	SCHEMA_KEY("later", OBJECT, .flags = SCHEMA_UNSERVED, .doc = "it will come"),
	SCHEMA_END,
};
static const struct schema root = {.name = "root", .keys = root_keys};

static int check(const char *json, json_t **ret, struct settings_report *report)
{
	json_t *tree = json_loads(json, 0, NULL);

	assert_non_null(tree);
	*report = (struct settings_report){0};
	int r = schema_check(&root, tree, NULL, (struct settings_place){"f", 0}, report, ret);
	json_decref(tree);
	return r;
}

static void gives(const char *json, const char *path, const char *want)
{
	struct settings_report report;
	json_t *tree = NULL;

	if (check(json, &tree, &report) != 0)
		fail_msg("%s", report.errors[0]);
	assert_int_equal(report.n_errors, 0);
	is_json(settings_get(tree, path), want);
	json_decref(tree);
	settings_report_clear(&report);
}

static void refuses(const char *json, const char *part)
{
	struct settings_report report;
	json_t *tree = NULL;

	assert_int_equal(check(json, &tree, &report), -EINVAL);
	assert_null(tree);
	has_error(&report, part);
	assert_int_equal(report.n_errors, 1);
	settings_report_clear(&report);
}

static void fills_in(void **state)
{
	(void)state;
	gives("{\"names\":[\"a\"]}", "",
	      "{\"wait\":1500,\"room\":4096,\"name\":\"nobody\",\"flag\":true,\"points\":[],"
	      "\"names\":[\"a\"]}");
	gives("{\"names\":[\"a\"],\"from\":{\"x\":1}}", "from", "{\"x\":1,\"y\":50}");
	/* An empty string and null say nothing. */
	gives("{\"names\":[\"a\"],\"name\":\"\",\"wait\":null,\"from\":null,\"flag\":\"\"}", "",
	      "{\"wait\":1500,\"room\":4096,\"name\":\"nobody\",\"flag\":true,\"points\":[],"
	      "\"names\":[\"a\"]}");
}

static void objects(void **state)
{
	(void)state;
	refuses("{\"names\":[\"a\"],\"from\":{}}", "f: from.x: is required: how far");
	refuses("{\"names\":[\"a\"],\"from\":{\"x\":\"\"}}", "from.x: is required");
	refuses("{\"names\":[\"a\"],\"from\":[]}", "from: must be a map");
	refuses("{\"names\":[\"a\"],\"from\":{\"x\":60}}", "from: x is beyond y");
	refuses("{\"names\":[\"a\"],\"points\":[{\"x\":1},{\"x\":1,\"z\":2}]}",
		"points.1.z: unknown key; did you mean \"x\"?");
	refuses("{\"names\":[\"a\"],\"from\":{\"x\":1,\"width\":2}}",
		"from.width: unknown key; there are only x, y");
	refuses("{\"names\":[\"a\"],\"nmae\":\"b\"}", "nmae: unknown key; did you mean \"name\"?");
}

static void lists(void **state)
{
	(void)state;
	refuses("{}", "names: is required: whom");
	refuses("{\"names\":[]}", "names: needs at least one element");
	refuses("{\"names\":\"a\"}", "names: must be a list");
	refuses("{\"names\":[\"a\",\"\"]}", "names.1: must not be empty");
	refuses("{\"names\":[\"a\",5]}", "names.1: must be a string");
}

static void tagged(void **state)
{
	(void)state;
	gives("{\"names\":[\"a\"],\"thing\":{\"type\":\"round\",\"settings\":{\"x\":1}}}", "thing",
	      "{\"type\":\"round\",\"settings\":{\"x\":1,\"y\":50}}");
	gives("{\"names\":[\"a\"],\"thing\":{\"type\":\"empty\"}}", "thing",
	      "{\"type\":\"empty\",\"settings\":{}}");
	gives("{\"names\":[\"a\"],\"things\":[{\"type\":\"empty\",\"settings\":{},\"label\":\"l\"}]"
	      "}",
	      "things", "[{\"label\":\"l\",\"type\":\"empty\",\"settings\":{}}]");
	refuses("{\"names\":[\"a\"],\"thing\":{\"type\":\"round\"}}",
		"thing.settings.x: is required");
	refuses("{\"names\":[\"a\"],\"thing\":{\"settings\":{}}}", "thing.type: is required");
	refuses("{\"names\":[\"a\"],\"thing\":{\"type\":\"rund\"}}", "did you mean \"round\"?");
	refuses("{\"names\":[\"a\"],\"thing\":{\"type\":5}}",
		"thing.type: must be a choice, not 5");
	refuses("{\"names\":[\"a\"],\"thing\":\"round\"}", "must be a map with type and settings");
	refuses("{\"names\":[\"a\"],\"thing\":{\"type\":\"odd\"}}", "odd things are not served");
	refuses("{\"names\":[\"a\"],\"thing\":{\"type\":\"empty\",\"settings\":{\"x\":1}}}",
		"the type empty has no settings");
	refuses("{\"names\":[\"a\"],\"thing\":{\"type\":\"empty\",\"setings\":{}}}",
		"did you mean \"settings\"?");
	refuses("{\"names\":[\"a\"],\"thing\":{\"type\":\"empty\",\"label\":\"l\"}}",
		"unknown key");
}

static void unserved(void **state)
{
	struct settings_report report;
	json_t *tree = NULL;

	(void)state;
	assert_int_equal(
		check("{\"names\":[\"a\"],\"later\":{\"what\":[\"ever\"]},"
		      "\"things\":[{\"type\":\"empty\"},{\"type\":\"old\",\"settings\":5}],"
		      "\"thing\":{\"type\":\"old\"}}",
		      &tree, &report),
		0);
	assert_int_equal(report.n_warnings, 3);
	has_warning(&report,
		    "f: later: is known, but this version does nothing with it: it will come");
	has_warning(&report, "f: things.1: the type old is known, but not served");
	assert_null(settings_get(tree, "later"));
	assert_null(settings_get(tree, "thing"));
	assert_int_equal(json_array_size(settings_get(tree, "things")), 1);
	json_decref(tree);
	settings_report_clear(&report);
}

static void tells_all(void **state)
{
	struct settings_report report;
	json_t *tree = NULL;

	(void)state;
	assert_int_equal(check("{\"wait\":\"soon\",\"from\":{\"x\":200,\"y\":-1},"
			       "\"points\":[5,{\"x\":1,\"y\":0},{}],\"thing\":{},\"flag\":\"yes\"}",
			       &tree, &report),
			 -EINVAL);
	assert_int_equal(report.n_errors, 9);
	has_error(&report, "wait: must be a duration");
	has_error(&report, "from.x: must be from 0 to 100");
	has_error(&report, "from.y: must be from 0 to 100");
	has_error(&report, "points.0: must be a map");
	has_error(&report, "points.1: x is beyond y");
	has_error(&report, "points.2.x: is required");
	has_error(&report, "names: is required");
	has_error(&report, "thing.type: is required");
	has_error(&report, "flag: must be true or false, not \"yes\"; write true");
	settings_report_clear(&report);
}

static void prints(void **state)
{
	const struct schema *const schemas[] = {&root};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	schema_print(schemas, 1, out);
	assert_int_equal(fclose(out), 0);
	assert_non_null(strstr(text, "### root\n"));
	assert_non_null(strstr(text, "| `wait` | a duration, 0 to 1h | `1.5s` |"));
	assert_non_null(strstr(text, "| `names[]` | list: a string | required | whom |"));
	assert_non_null(
		strstr(text, "| `points[].x` | an integer, 0 to 100 | required | how far |"));
	assert_non_null(
		strstr(text, "| `thing.type` | `round`, `empty`, `old`, `odd` | required |"));
	assert_non_null(strstr(text, "| `things[].settings.x` | an integer"));
	assert_non_null(strstr(text, "| `later` | a map | not served | it will come |"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills_in), cmocka_unit_test(objects),  cmocka_unit_test(lists),
		cmocka_unit_test(tagged),   cmocka_unit_test(unserved), cmocka_unit_test(tells_all),
		cmocka_unit_test(prints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
