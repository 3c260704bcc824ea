// SPDX-License-Identifier: BSD-2-Clause
#include "common/settings/yaml.h"

#include "common/settings/tree.h"

#include "tests/unit/common/settings/fixture.h"

typedef int (*parser)(const char *, size_t, const char *, struct lines *, struct settings_report *,
		      json_t **);

static void reads(parser parse, const char *text, const char *want)
{
	struct lines *lines = lines_new();
	struct settings_report report = {0};
	json_t *tree = NULL;

	int r = parse(text, strlen(text), "f", lines, &report, &tree);
	for (size_t i = 0; i < report.n_errors; i++)
		print_message("error: %s\n", report.errors[i]);
	assert_int_equal(r, 0);
	assert_int_equal(report.n_errors, 0);
	is_json(tree, want);
	json_decref(tree);
	settings_report_clear(&report);
	lines_free(lines);
}

static void refuses_bytes(parser parse, const char *text, size_t length, const char *part)
{
	struct lines *lines = lines_new();
	struct settings_report report = {0};
	json_t *tree = NULL;

	assert_int_equal(parse(text, length, "f", lines, &report, &tree), -EINVAL);
	assert_null(tree);
	assert_int_equal(report.n_errors, 1);
	has_error(&report, part);
	/* Without a report it fails just as well. */
	assert_int_equal(parse(text, length, "f", lines, NULL, &tree), -EINVAL);
	settings_report_clear(&report);
	lines_free(lines);
}

static void refuses(parser parse, const char *text, const char *part)
{
	refuses_bytes(parse, text, strlen(text), part);
}

static void yaml_reads(void **state)
{
	(void)state;
	reads(settings_parse_yaml, "", "{}");
	reads(settings_parse_yaml, "# nothing\n", "{}");
	reads(settings_parse_yaml, "---\n...\n", "{}");
	reads(settings_parse_yaml, "~", "{}");
	reads(settings_parse_yaml, "a: 1\nb: [x, 2, true]\nc: {d: }\n",
	      "{\"a\":1,\"b\":[\"x\",2,true],\"c\":{\"d\":null}}");
	reads(settings_parse_yaml, "a: \"1\"\nb: 'true'\nc: !!str 5\nd: ! 6\ne: |\n  x\n  y\n",
	      "{\"a\":\"1\",\"b\":\"true\",\"c\":\"5\",\"d\":\"6\",\"e\":\"x\\ny\\n\"}");
	reads(settings_parse_yaml, "1: a\ntrue: b\n", "{\"1\":\"a\",\"true\":\"b\"}");
	reads(settings_parse_yaml, "a: &x {y: [1]}\nb: *x\nc: [*x, *x]\n",
	      "{\"a\":{\"y\":[1]},\"b\":{\"y\":[1]},\"c\":[{\"y\":[1]},{\"y\":[1]}]}");
	reads(settings_parse_yaml,
	      "\xef\xbb\xbf"
	      "a: \xc3\xa4\r\nb: 1\r\n",
	      "{\"a\":\"\xc3\xa4\",\"b\":1}");
}

static void yaml_refuses(void **state)
{
	(void)state;
	refuses(settings_parse_yaml, "a: 1\nb: 2\na: 3\n",
		"f:3: the key \"a\" is here for the second time; the first is on line 1");
	refuses(settings_parse_yaml, "a: [1, 2\n", "f:2: not valid YAML");
	refuses(settings_parse_yaml, "a: 1\n\tb: 2\n", "f:2: not valid YAML");
	refuses(settings_parse_yaml, "a: \"x\n", "not valid YAML");
	refuses(settings_parse_yaml, "a: b: c\n", "f:1: not valid YAML");
	refuses(settings_parse_yaml, "a: 1\n---\nb: 2\n", "f:2: a second document");
	refuses(settings_parse_yaml, "a: *x\n", "*x: there is no complete anchor");
	refuses(settings_parse_yaml, "a: &x [*x]\n", "*x: there is no complete anchor");
	refuses(settings_parse_yaml, "<<: {a: 1}\n", "merge keys");
	refuses(settings_parse_yaml, "[a]: 1\n", "a key must be a string");
	refuses(settings_parse_yaml, "a: !!binary aGk=\n", "tag:yaml.org,2002:binary");
	refuses(settings_parse_yaml, "a: 1e999\n", "too large");
	refuses(settings_parse_yaml, "a: \"x\\0y\"\n", "NUL");
	refuses(settings_parse_yaml, "\"x\\0y\": 1\n", "NUL");
	refuses(settings_parse_yaml, "a: \xff\n", "not readable as YAML");
	refuses_bytes(settings_parse_yaml, "a: x\0y\n", 7, "YAML");
	refuses(settings_parse_yaml, "%YAML 3.0\n---\na: 1\n", "not valid YAML");
}

static void yaml_bombs(void **state)
{
	char text[4096] = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n", deep[1000];

	(void)state;
	for (int i = 1; i < 12; i++)
		sprintf(text + strlen(text), "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i,
			i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	refuses(settings_parse_yaml, text, "grow too large");
	memset(deep, '[', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	refuses(settings_parse_yaml, deep, "nested deeper than 64");
	strcpy(text, "a0: &a0 [[[[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]]]]\n");
	for (int i = 1; i < 5; i++)
		sprintf(text + strlen(text),
			"a%d: &a%d [[[[[[[[[[[[[[[[[[[[*a%d]]]]]]]]]]]]]]]]]]]]\n", i, i, i - 1);
	refuses(settings_parse_yaml, text, "nested deeper than 64");
}

static void yaml_knows_lines(void **state)
{
	static const char text[] = "a: &x\n  b:\n    - 1\n    - 2\nc: *x\n";
	struct lines *lines = lines_new();
	json_t *tree = NULL;

	(void)state;
	assert_int_equal(settings_parse_yaml(text, strlen(text), "f", lines, NULL, &tree), 0);
	json_t *list = json_object_get(json_object_get(tree, "a"), "b");
	json_t *alias = json_object_get(json_object_get(tree, "c"), "b");
	assert_int_equal(lines_get(lines, tree, "a").line, 1);
	assert_int_equal(lines_get(lines, json_object_get(tree, "a"), "b").line, 2);
	assert_int_equal(lines_get(lines, list, "1").line, 4);
	assert_int_equal(lines_get(lines, tree, "c").line, 5);
	assert_ptr_not_equal(list, alias);
	assert_int_equal(lines_get(lines, alias, "1").line, 4);
	json_decref(tree);
	lines_free(lines);
}

static void json_reads(void **state)
{
	(void)state;
	reads(settings_parse_json, "{\"a\": [1, \"x\", null, 1.5]}", "{\"a\":[1,\"x\",null,1.5]}");
	/* Not what YAML would make of it. */
	reads(settings_parse_json, "{\"a\": \"\\ud83d\\ude00\", \"b\":\"\\/\"}",
	      "{\"a\":\"\xf0\x9f\x98\x80\",\"b\":\"/\"}");
}

static void json_refuses(void **state)
{
	char deep[300];

	(void)state;
	refuses(settings_parse_json, "", "f:1: not valid JSON");
	refuses(settings_parse_json, "{\"a\":1,\n\"a\":2}", "f:2: not valid JSON: duplicate");
	refuses(settings_parse_json, "{\"a\":1,}", "not valid JSON");
	refuses(settings_parse_json, "{a: 1}", "not valid JSON");
	refuses(settings_parse_json, "{\"a\":1} x", "not valid JSON");
	refuses(settings_parse_json, "5", "not valid JSON");
	refuses(settings_parse_json, "{\"a\":\"\xff\"}", "not valid JSON");
	refuses(settings_parse_json, "{\"a\":\"\\u0000\"}", "not valid JSON");
	memset(deep, '[', 100);
	memset(deep + 100, ']', 100);
	deep[200] = '\0';
	refuses(settings_parse_json, deep, "nested deeper than 64");
}

static void json_knows_lines(void **state)
{
	static const char text[] = "{\n  \"a\": {\n\t\"b\": [\n1,\n2]}}\n";
	static const char odd[] = "{\n\"a\": \"\\ud83d\\ude00\"}";
	struct lines *lines = lines_new();
	json_t *tree = NULL;

	(void)state;
	assert_int_equal(settings_parse_json(text, strlen(text), "f", lines, NULL, &tree), 0);
	json_t *map = json_object_get(tree, "a");
	assert_int_equal(lines_get(lines, tree, "a").line, 2);
	assert_int_equal(lines_get(lines, map, "b").line, 3);
	assert_int_equal(lines_get(lines, json_object_get(map, "b"), "1").line, 5);
	json_decref(tree);
	assert_int_equal(settings_parse_json(odd, strlen(odd), "f", lines, NULL, &tree), 0);
	assert_string_equal(lines_get(lines, tree, "a").file, "f");
	json_decref(tree);
	lines_free(lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(yaml_reads),       cmocka_unit_test(yaml_refuses),
		cmocka_unit_test(yaml_bombs),       cmocka_unit_test(yaml_knows_lines),
		cmocka_unit_test(json_reads),       cmocka_unit_test(json_refuses),
		cmocka_unit_test(json_knows_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
