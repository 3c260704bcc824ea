// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/cleanup.h"
#include "tests/unit/relay/directory/fixture.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

#include <cmocka.h>

static void test_entries(void **state)
{
	struct directory *directory = fixture_directory();
	char lower[] = FINGERPRINT_1;
	json_t *entry = directory_entry(directory, "public.ga");

	(void)state;
	for (char *c = lower; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	assert_int_equal(directory_size(directory), 4);
	assert_string_equal(json_string_value(json_object_get(entry, "name")), "public.ga");
	assert_null(json_object_get(entry, "records"));
	assert_non_null(json_object_get(json_object_get(entry, "properties"), "displayName"));
	assert_null(directory_entry(directory, "nobody"));
	assert_string_equal(
		json_string_value(json_object_get(
			directory_channel(directory, "public.ga", "grpc_server"), "address")),
		"localhost:5556");
	assert_true(json_is_null(directory_channel(directory, "public.ga", "jsonrpc_client")));
	assert_null(directory_channel(directory, "public.ga", "grpc_client"));
	assert_null(directory_channel(directory, "nobody", "grpc_client"));
	assert_true(directory_pins(directory, "public.ga", lower));
	assert_false(directory_pins(directory, "third", lower)); /* for signing only */
	assert_false(directory_pins(directory, "private.ga", lower));
	directory_free(directory);
}

static int stop_at_second(const char *name, json_t *entry, void *arg)
{
	(void)name;
	(void)entry;
	return ++*(int *)arg == 2 ? 42 : 0;
}

static void test_each(void **state)
{
	struct directory *directory = fixture_directory();
	int count = 0;

	(void)state;
	assert_int_equal(directory_each(directory, stop_at_second, &count), 42);
	assert_int_equal(count, 2);
	directory_free(directory);
}

#define RECORD(section, data) \
	"{\"records\":[\n\n{\"name\":\"a\",\"section\":\"" section "\",\"data\":" data "}]}"

static void test_malformed(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"", "f:"},
		{"{\n\"records\":[\n{]}", "f:3:"},
		{"[]", "f:1: must be an object"},
		{"{\"records\":{}}", "list \"records\""},
		{"{\"records\":[{\"record\":{}}]}", "signed"},
		{"{\"records\":[{\"section\":\"groups\",\"data\":[]}]}", "name must be"},
		{"{\"records\":[{\"name\":\"a b\",\"section\":\"groups\",\"data\":[]}]}",
		 "name must be"},
		{"{\"records\":[{\"name\":\"a\",\"data\":[]}]}", "section must be"},
		{RECORD("colours", "[]"), "f:3: record 1: operator a, section colours: section: "},
		{RECORD("groups", "{}"), "data: must be a list"},
		{RECORD("groups", "[\"g\",7]"), "data[1]: must be a non-empty string"},
		{RECORD("channels", "[{}]"), "data[0]: type is missing"},
		{RECORD("channels", "[{\"type\":\"grpc_server\",\"settings\":{}}]"),
		 "address is missing"},
		{RECORD("channels", "[{\"type\":\"x\",\"settings\":[]}]"),
		 "settings must be an object"},
		{RECORD("certificates", "[{\"fingerprint\":\"12\",\"key_usage\":\"signing\"}]"),
		 "64 hex digits"},
		{RECORD("certificates",
			"[{\"fingerprint\":\"" FINGERPRINT_1 "\",\"key_usage\":\"both\"}]"),
		 "not \"both\""},
		{RECORD("services", "[{\"name\":\"s\",\"methods\":[{\"name\":\"m\","
				    "\"permissions\":[{\"group\":\"g\",\"rights\":[1]}]}]}]"),
		 "data[0].methods[0].permissions[0].rights[0]: must be"},
		{RECORD("settings", "[{\"service\":\"proxy\"}]"), "settings must be an object"},
		{"{\"x\":\"\\\"records\\\"\",\n\"records\":[\n{\"name\":\"a\",\"section\":"
		 "\"groups\","
		 "\"data\":[\"}],{\"]},\n\n{\"name\":\"b\",\"section\":\"groups\",\"data\":7}]}",
		 "f:5: record 2: operator b"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct directory *directory = directory_new();
		AUTO_FREE char *error = NULL;
		int r = directory_add_records(directory, "f", cases[i].text, strlen(cases[i].text),
					      &error);
		if (r != -EBADMSG || !strstr(error, cases[i].error))
			fail_msg("case %zu: %d %s", i, r, error ? error : "");
		directory_free(directory);
	}
}

static void write_file(const char *folder, const char *name, const char *text)
{
	AUTO_FREE char *path = NULL;

	assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void test_folder(void **state)
{
	char folder[] = "/tmp/passage-test-XXXXXX", command[64];
	struct directory *directory = NULL;
	AUTO_FREE char *empty = NULL, *broken = NULL, *missing = NULL;

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(directory_load(folder, &directory, &empty), -ENOENT);
	assert_non_null(strstr(empty, folder));
	write_file(folder, "2.json",
		   "{\"records\":[{\"name\":\"a\",\"section\":\"groups\",\"data\":[\"new\"]}]}");
	write_file(folder, "1.json",
		   "{\"records\":[{\"name\":\"a\",\"section\":\"groups\",\"data\":[\"old\",\"x\"]},"
		   "{\"name\":\"b\",\"section\":\"groups\",\"data\":[]}]}");
	write_file(folder, "README", "not JSON");
	write_file(folder, ".hidden.json", "not JSON");
	assert_int_equal(directory_load(folder, &directory, &broken), 0);
	assert_int_equal(directory_size(directory), 2);
	const json_t *groups = json_object_get(directory_entry(directory, "a"), "groups");
	assert_int_equal(json_array_size(groups), 1);
	assert_string_equal(json_string_value(json_array_get(groups, 0)), "new");
	directory_free(directory);

	write_file(folder, "3.json", "{\"records\":[\n\nnonsense]}");
	assert_int_equal(directory_load(folder, &directory, &broken), -EBADMSG);
	assert_non_null(strstr(broken, "3.json:3:"));
	assert_int_equal(directory_load("/no/such/folder", &directory, &missing), -ENOENT);
	assert_non_null(strstr(missing, "/no/such/folder"));
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
