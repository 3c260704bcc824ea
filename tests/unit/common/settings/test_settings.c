// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/common/settings/fixture.h"

#include <unistd.h>

static const struct schema_key inner_keys[] = {
	SCHEMA_KEY("count", INTEGER, .fallback = "7", .min = 1, .max = 10),
	SCHEMA_KEY("names", LIST, .element = SCHEMA_STRING, .fallback = "[]"),
	SCHEMA_KEY("path", STRING, .max = 4000),
	SCHEMA_END,
};
static const struct schema inner = {.keys = inner_keys};
static const struct schema_key outer_keys[] = {
	SCHEMA_KEY("inner", OBJECT, .object = &inner, .fallback = "{}"),
	SCHEMA_KEY("list", LIST, .element = SCHEMA_ANY),
	SCHEMA_KEY("any", ANY, .fallback = NULL),
	SCHEMA_END,
};
static const struct schema outer = {.keys = outer_keys};

static void nothing(void **state)
{
	struct settings_report report;
	json_t *tree = NULL;

	(void)state;
	unsetenv(VARIABLE);
	assert_int_equal(settings_load(VARIABLE, &outer, &tree, &report), 0);
	is_json(tree, "{\"inner\":{\"count\":7,\"names\":[]}}");
	json_decref(tree);
	setenv(VARIABLE, "", 1);
	assert_int_equal(settings_load(VARIABLE, &outer, &tree, &report), 0);
	json_decref(tree);
	setenv(VARIABLE, ":::", 1);
	assert_int_equal(settings_load(VARIABLE, &outer, &tree, &report), 0);
	json_decref(tree);
	settings_report_clear(&report);
}

static void missing_file(void **state)
{
	(void)state;
	fails_with("nowhere.yml", &outer, VARIABLE ": ");
	fails_with("nowhere.yml", &outer, "/nowhere.yml: No such file or directory");
}

static void relative_path(void **state)
{
	struct settings_report report;
	json_t *tree = NULL;
	char cwd[PATH_MAX];

	(void)state;
	put("a.yml", "any: $DIR\n");
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_int_equal(chdir(folder), 0);
	setenv(VARIABLE, "a.yml", 1);
	assert_int_equal(settings_load(VARIABLE, &outer, &tree, &report), 0);
	assert_string_equal(settings_string(tree, "any"), folder);
	assert_int_equal(chdir(cwd), 0);
	json_decref(tree);
	settings_report_clear(&report);
}

static void folders(void **state)
{
	struct settings_report report;
	json_t *tree = NULL;

	(void)state;
	put("d/002_b.json", "{\"inner\": {\"names\": [\"b\"], \"count\": 2}}");
	put("d/001_a.yml", "inner:\n  names: [a]\n  count: 1\n");
	put("d/003_c.yml", "inner: {names: [c], count: null}\n");
	put("d/notes.txt", "unknown: key\n");
	put("d/.hidden.yml", "unknown: key\n");
	put("d/sub/001.yml", "unknown: key\n");
	put("d/sub.yml/x", "");
	put("more.yml", "inner: {names!: [d]}\n");
	tree = loads("d/", &outer);
	is_json(tree, "{\"inner\":{\"count\":2,\"names\":[\"a\",\"b\",\"c\"]}}");
	json_decref(tree);
	tree = loads("d:more.yml", &outer);
	is_json(tree, "{\"inner\":{\"count\":2,\"names\":[\"d\"]}}");
	json_decref(tree);
	put("d/004.yaml", "unknown: key\n");
	assert_int_equal(load("d", &outer, &tree, &report), 0);
	has_warning(&report, "004.yaml: is not read");
	settings_report_clear(&report);
	json_decref(tree);
	put("empty/sub/x", "");
	tree = loads("empty", &outer);
	json_decref(tree);
}

static void every_error_is_told(void **state)
{
	struct settings_report report;
	json_t *tree = NULL;

	(void)state;
	put("e/1.yml", "inner:\n  count: 11\n  nmes: [a]\nlist: 3\n");
	assert_int_equal(load("e", &outer, &tree, &report), -EINVAL);
	assert_int_equal(report.n_errors, 3);
	has_error(&report, "/e/1.yml:2: inner.count: must be from 1 to 10, not 11");
	has_error(&report, "/e/1.yml:3: inner.nmes: unknown key; did you mean \"names\"?");
	has_error(&report, "/e/1.yml:4: list: must be a list");
	settings_report_clear(&report);
	/* Files that cannot be read are told together, too. */
	put("e/2.yml", "a: [\n");
	put("e/3.json", "{");
	assert_int_equal(load("e:nowhere", &outer, &tree, &report), -EINVAL);
	assert_int_equal(report.n_errors, 3);
	has_error(&report, "/e/2.yml:2: not valid YAML");
	has_error(&report, "/e/3.json:1: not valid JSON");
	has_error(&report, "/nowhere: No such file");
	settings_report_clear(&report);
	assert_null(tree);
}

static void lines_survive_merging(void **state)
{
	(void)state;
	put("l/1.yml", "inner:\n  names: [a]\n");
	put("l/2.yml", "\n\ninner:\n  names:\n    - b\n    - {c: d}\n");
	fails_with("l", &outer, "/l/2.yml:6: inner.names.2: must be a string, not a map");
	put("l2/1.json", "{\n\"inner\": {\n\"count\": \"5\"}}");
	fails_with("l2", &outer, "/l2/1.json:3: inner.count: must be an integer, not the string");
	put("l3.yml", "list: []\nany: &x\n  y: 1\ninner: *x\n");
	fails_with("l3.yml", &outer, "/l3.yml:3: inner.y: unknown key");
}

static void top_level(void **state)
{
	(void)state;
	put("t1.yml", "[a]\n");
	fails_with("t1.yml", &outer, "must hold a map");
	put("t2.yml", "text\n");
	fails_with("t2.yml", &outer, "must hold a map");
	put("t3.json", "[]");
	fails_with("t3.json", &outer, "must hold a map");
	put("t4.yml", "$ref: a\na: {}\n");
	fails_with("t4.yml", &outer, "the whole file cannot be a reference");
}

static void too_large(void **state)
{
	size_t length = (4 << 20) + 1;
	char *text = malloc(length);

	(void)state;
	assert_non_null(text);
	memset(text, '#', length);
	put_bytes("large.yml", text, length);
	fails_with("large.yml", &outer, "larger than 4 MiB");
	put_bytes("large.yml", text, length - 1);
	json_decref(loads("large.yml", &outer));
	free(text);
	setenv(VARIABLE, "/dev/zero", 1);
	struct settings_report report;
	json_t *tree = NULL;
	assert_int_equal(settings_load(VARIABLE, &outer, &tree, &report), -EINVAL);
	has_error(&report, "/dev/zero: larger than 4 MiB");
	settings_report_clear(&report);
}

static void includes(void **state)
{
	(void)state;
	put("i/main.yml", "$include: [part/a.yml, part/b.json]\ninner: {count: 3}\nlist:\n"
			  "  - 1\n  - $include: part/list.yml\n  - $include: part/c.yml\n");
	put("i/part/a.yml", "inner: {count: 1, names: [a]}\n");
	put("i/part/b.json", "{\"inner\": {\"count\": 2, \"names\": [\"b\"]}}");
	put("i/part/c.yml", "c: $DIR\nd: $PATH\n");
	put("i/part/list.yml", "- 2\n- 3\n");
	json_t *tree = loads("i/main.yml", &outer);
	is_json(settings_get(tree, "inner"), "{\"count\":3,\"names\":[\"a\",\"b\"]}");
	is_json(settings_get(tree, "list.2"), "3");
	assert_int_equal(json_array_size(settings_get(tree, "list")), 4);
	/* An included file has its own folder and its own variables. */
	assert_non_null(strstr(settings_string(tree, "list.3.c"), "/i/part"));
	assert_non_null(strstr(settings_string(tree, "list.3.d"), "/i/part/c.yml"));
	json_decref(tree);

	put("i/deep.yml", "inner:\n  $include: part/in.yml\n  count: 4\n");
	put("i/part/in.yml", "names: [x]\ncount: 9\n");
	tree = loads("i/deep.yml", &outer);
	is_json(settings_get(tree, "inner"), "{\"count\":4,\"names\":[\"x\"]}");
	json_decref(tree);

	put("i/any.yml", "any:\n  $include: part/list.yml\n");
	tree = loads("i/any.yml", &outer);
	is_json(settings_get(tree, "any"), "[2,3]");
	json_decref(tree);

	/* The mark of an included key outlives the inclusion. */
	put("j/1.yml", "inner: {names: [old]}\n");
	put("j/2.yml", "$include: ../i/marked.yml\n");
	put("i/marked.yml", "inner: {names!: [new]}\n");
	tree = loads("j", &outer);
	is_json(settings_get(tree, "inner.names"), "[\"new\"]");
	json_decref(tree);
}

static void bad_includes(void **state)
{
	char name[32], text[64];

	(void)state;
	put("b/self.yml", "$include: self.yml\n");
	fails_with("b/self.yml", &outer, "self.yml is included by itself");
	put("b/x.yml", "inner:\n  $include: y.yml\n");
	put("b/y.yml", "$include: ./../b/x.yml\n");
	fails_with("b/x.yml", &outer, "/b/y.yml:1: $include: ");
	put("b/none.yml", "\n$include: nowhere.yml\n");
	fails_with("b/none.yml", &outer, "/b/none.yml:2: ");
	put("b/abs.yml", "$include: /etc/passwd\n");
	fails_with("b/abs.yml", &outer, "must be relative");
	put("b/type.yml", "$include: {a: b}\n");
	fails_with("b/type.yml", &outer, "must be a file name or a list of file names");
	put("b/num.yml", "$include: [5]\n");
	fails_with("b/num.yml", &outer, "must be a file name or a list of file names");
	put("b/list.yml", "- 1\n");
	put("b/nomap.yml", "$include: list.yml\nany: 1\n");
	fails_with("b/nomap.yml", &outer, "holds no map");
	put("b/dir.yml", "$include: .\n");
	fails_with("b/dir.yml", &outer, "Is a directory");
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "b/chain%d.yml", i);
		snprintf(text, sizeof(text), "$include: chain%d.yml\n", i + 1);
		put(name, text);
	}
	fails_with("b/chain0.yml", &outer, "more than 16 files inside one another");
}

static void references(void **state)
{
	(void)state;
	put("r.yml", "any: {a: [{b: 5}, 6], c: {$ref: any.a.1}, d: {$ref: any.c}}\n"
		     "inner: {count: {$ref: any.a.0.b}, names: [{$ref: list.0}, z]}\n"
		     "list: [x, {$ref: any.a}]\n");
	json_t *tree = loads("r.yml", &outer);
	is_json(tree, "{\"any\":{\"a\":[{\"b\":5},6],\"c\":6,\"d\":6},"
		      "\"inner\":{\"count\":5,\"names\":[\"x\",\"z\"]},"
		      "\"list\":[\"x\",[{\"b\":5},6]]}");
	json_decref(tree);
}

static void bad_references(void **state)
{
	char bomb[4096] = "any:\n  a0: [1,1,1,1,1,1,1,1,1,1]\n";

	(void)state;
	put("br1.yml", "any:\n  $ref: nothing.here\n");
	fails_with("br1.yml", &outer, "/br1.yml:1: $ref: there is nothing at nothing.here");
	put("br2.yml", "any: {$ref: list.0}\nlist: [{$ref: any}]\n");
	fails_with("br2.yml", &outer, "refers to itself");
	put("br3.yml", "any: {a: {$ref: any}}\n");
	fails_with("br3.yml", &outer, "refers to itself");
	put("br4.yml", "any: {$ref: list, x: 1}\nlist: []\n");
	fails_with("br4.yml", &outer, "no other key may stand beside it");
	put("br5.yml", "any: {$ref: 5}\n");
	fails_with("br5.yml", &outer, "must be a path");
	for (int i = 1; i < 12; i++)
		sprintf(bomb + strlen(bomb),
			"  a%d: [{$ref: any.a%d},{$ref: any.a%d},{$ref: any.a%d},{$ref: any.a%d}, "
			"{$ref: any.a%d}, {$ref: any.a%d}]\n",
			i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	put("br6.yml", bomb);
	fails_with("br6.yml", &outer, "grow too large");
}

static void variables(void **state)
{
	(void)state;
	setenv("SETTINGS_TEST_TEXT", "hello", 1);
	setenv("SETTINGS_TEST_INT", "8", 1);
	setenv("SETTINGS_TEST_JSON", "{\"a\": [1, \"b\"]}", 1);
	setenv("SETTINGS_TEST_YAML", "[x, 2]", 1);
	unsetenv("SETTINGS_TEST_NONE");
	put("v.yml",
	    "vars:\n"
	    "  TEXT: {source: env, type: string, variable: SETTINGS_TEST_TEXT}\n"
	    "  INT: {source: env, type: int, variable: SETTINGS_TEST_INT}\n"
	    "  FLOAT: {source: literal, type: float, value: 1.5}\n"
	    "  JSON: {source: env, type: json, variable: SETTINGS_TEST_JSON}\n"
	    "  YAML: {source: env, type: yaml, variable: SETTINGS_TEST_YAML}\n"
	    "  ANY: {source: literal, type: any, value: {k: v}}\n"
	    "  DEFAULT: {source: env, type: int, variable: SETTINGS_TEST_NONE, default: 3}\n"
	    "  OPTIONAL: {source: env, variable: SETTINGS_TEST_NONE, required: false}\n"
	    "inner:\n  count: $INT\n  path: \"/$DIR/x/$TEXT-$INT-$FLOAT-$$INT\"\n"
	    "list: [$JSON, $YAML, $ANY, $DEFAULT]\n"
	    "any: $OPTIONAL\n");
	json_t *tree = loads("v.yml", &outer);
	assert_int_equal(settings_integer(tree, "inner.count"), 8);
	is_json(settings_get(tree, "list"), "[{\"a\":[1,\"b\"]},[\"x\",2],{\"k\":\"v\"},3]");
	assert_null(settings_get(tree, "any"));
	char want[PATH_MAX + 64];
	snprintf(want, sizeof(want), "%s/x/hello-8-1.5-$INT", folder);
	assert_string_equal(settings_string(tree, "inner.path"), want);
	json_decref(tree);
}

static void bad_variables(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"any: $NONE\n", ":1: $NONE is not defined; write $$"},
		{"\nlist: [\"a $NONE\"]\n", ":2: $NONE is not defined"},
		{"vars: {A: {source: env, variable: SETTINGS_TEST_NONE}}\n",
		 "vars.A: the environment variable SETTINGS_TEST_NONE is not set"},
		{"vars: {A: {source: env, type: int, variable: SETTINGS_TEST_TEXT}}\n",
		 "vars.A: its value is not of the type int"},
		{"vars: {A: {source: literal, type: string, value: 5}}\n",
		 "not of the type string"},
		{"vars: {A: {source: env, type: json, variable: SETTINGS_TEST_TEXT}}\n",
		 "not of the type json"},
		{"vars: {A: {source: env}}\n", "source env needs variable"},
		{"vars: {A: {source: literal}}\n", "source literal needs value"},
		{"vars: {A: {source: envv, variable: X}}\n", "did you mean \"env\"?"},
		{"vars: {A: {sorce: env, variable: X}}\n", "did you mean \"source\"?"},
		{"vars: {A: 5}\n", "must be a map"},
		{"vars: [A]\n", "vars: must be a map"},
		{"vars: {2A: {source: literal, value: x}}\n", "vars.2A: a name is made of"},
		{"vars: {DIR: {source: literal, value: x}}\n", "$DIR is set by the program"},
		{"vars: {A: {source: literal, type: any, value: [1]}}\nany: x$A\n",
		 "$A is neither a string nor a number"},
		{"vars: {A: {source: prompt}}\n", "there is no terminal"},
	};

	(void)state;
	setenv("SETTINGS_TEST_TEXT", "hello", 1);
	unsetenv("SETTINGS_TEST_NONE");
	assert_non_null(freopen("/dev/null", "r", stdin));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct settings_report report;
		json_t *tree = NULL;

		put("bv.yml", cases[i].text);
		assert_int_equal(load("bv.yml", &outer, &tree, &report), -EINVAL);
		has_error(&report, cases[i].error);
		settings_report_clear(&report);
	}
}

static void report_is_bounded(void **state)
{
	struct settings_report report;
	char *text = calloc(1, 100000);
	json_t *tree = NULL;

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < 2000; i++)
		sprintf(text + strlen(text), "unknown_key_%d: 1\n", i);
	put("many.yml", text);
	free(text);
	assert_int_equal(load("many.yml", &outer, &tree, &report), -EINVAL);
	assert_int_equal(report.n_errors, SETTINGS_REPORT_MAX + 1);
	has_error(&report, "and more of them");
	settings_report_clear(&report);
}

static void readers(void **state)
{
	json_t *tree = json_loads("{\"a\":{\"b\":[{\"c\":\"x\"},5,true,null]}}", 0, NULL);

	(void)state;
	assert_string_equal(settings_string(tree, "a.b.0.c"), "x");
	assert_int_equal(settings_integer(tree, "a.b.1"), 5);
	assert_int_equal(settings_bool(tree, "a.b.2"), 1);
	assert_null(settings_get(tree, "a.b.3"));
	assert_null(settings_get(tree, "a.b.4"));
	assert_null(settings_get(tree, "a.b.x"));
	assert_null(settings_get(tree, "a.b.0.c.d"));
	assert_null(settings_get(tree, "no"));
	assert_null(settings_get(NULL, "a"));
	assert_null(settings_string(tree, "a.b.1"));
	assert_int_equal(settings_integer(tree, "a.no"), 0);
	assert_int_equal(settings_bool(tree, "a.no"), 0);
	assert_ptr_equal(settings_get(tree, ""), tree);
	json_decref(tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing),
		cmocka_unit_test(missing_file),
		cmocka_unit_test(relative_path),
		cmocka_unit_test(folders),
		cmocka_unit_test(every_error_is_told),
		cmocka_unit_test(lines_survive_merging),
		cmocka_unit_test(top_level),
		cmocka_unit_test(too_large),
		cmocka_unit_test(includes),
		cmocka_unit_test(bad_includes),
		cmocka_unit_test(references),
		cmocka_unit_test(bad_references),
		cmocka_unit_test(variables),
		cmocka_unit_test(bad_variables),
		cmocka_unit_test(report_is_bounded),
		cmocka_unit_test(readers),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
