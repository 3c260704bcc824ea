// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/relay/directory/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_permissions(void **state)
{
	static const struct {
		const char *caller, *callee, *method;
		bool allowed;
	} cases[] = {
		{"private.ga", "public.ga", "announceConnections", true},
		{"third", "public.ga", "announceConnections", false},
		{"admin", "public.ga", "announceConnections", true}, /* by the service */
		{"third", "public.ga", "_ping", true},               /* by "*" */
		{"private.ga", "public.ga", "watched", false},       /* another right */
		{"third", "public.ga", "silent", false},             /* the first service decides */
		{"admin", "public.ga", "silent", true},
		{"third", "public.ga", "open", true},
		{"third", "public.ga", "nope", false},
		{"nobody", "public.ga", "_ping", false}, /* unknown operators are in no group */
		{"third", "nobody", "_ping", false},
		{"third", "third", "_ping", false},
		{"public.ga", "private.ga", "incomingConnection", true},
		{"private.ga", "private.ga", "incomingConnection", false},
	};
	struct directory *directory = fixture_directory();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (directory_permits(directory, cases[i].caller, cases[i].callee,
				      cases[i].method) != cases[i].allowed)
			fail_msg("%s to %s.%s", cases[i].caller, cases[i].callee, cases[i].method);
	directory_free(directory);
}

/* A directory that does not know the method gives it to those who may announce. */
static void test_reserving_is_announcing(void **state)
{
	static const char listed[] =
		"{\"records\": [{\"name\": \"public.ga\", \"section\": \"services\", \"data\": [\n"
		" {\"name\": \"proxy\", \"permissions\": [{\"group\": \"users\", \"rights\": "
		"[\"call\"]}], \"methods\": [{\"name\": \"announceConnections\"}]},\n"
		" {\"name\": \"parking\", \"permissions\": [{\"group\": \"admins\", \"rights\": "
		"[\"call\"]}], \"methods\": [{\"name\": \"reserveConnections\"}]}]}]}";
	struct directory *directory = fixture_directory();
	static const char method[] = "reserveConnections";
	char *error = NULL;

	(void)state;
	assert_true(directory_permits(directory, "private.ga", "public.ga", method));
	assert_true(directory_permits(directory, "admin", "public.ga", method));
	assert_false(directory_permits(directory, "third", "public.ga", method));
	assert_false(directory_permits(directory, "nobody", "public.ga", method));
	assert_false(directory_permits(directory, "public.ga", "private.ga", method));
	/* Once it is listed, that decides. */
	assert_int_equal(directory_add_records(directory, "later", listed, strlen(listed), &error),
			 0);
	assert_false(directory_permits(directory, "private.ga", "public.ga", method));
	assert_true(directory_permits(directory, "private.ga", "public.ga", "announceConnections"));
	assert_true(directory_permits(directory, "admin", "public.ga", method));
	directory_free(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_permissions),
		cmocka_unit_test(test_reserving_is_announcing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
