// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/domain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

static void normalises_names(void **state)
{
	static const struct {
		const char *in, *out;
	} good[] = {
		{"example.org", "example.org"},
		{"Test.Internal-Server.LOCAL", "test.internal-server.local"},
		{"xn--bcher-kva.example", "xn--bcher-kva.example"},
		{"localhost", "localhost"},
		{"1.example", "1.example"},
		{"a--b.example", "a--b.example"},
	};
	char out[DOMAIN_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(domain_normalise(good[i].in, false, out, NULL), 0);
		assert_string_equal(out, good[i].out);
	}
}

static void refuses_what_is_no_name(void **state)
{
	static const char *const bad[] = {
		"",        ".",       "a..x.org", "example.org.", ".example.org",  "-a.org",
		"a-.org",  "a b.org", "a_b.org",  "b\xc3\xbc.de", "*.example.org", "192.0.2.1",
		"a.*.org", "a.org/x", "a:443",    "a.1",          "[::1]",         "a\n.org",
	};
	char out[DOMAIN_MAX + 1] = "untouched";
	const char *reason = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(domain_normalise(bad[i], false, out, &reason), -EINVAL);
		assert_non_null(reason);
		assert_string_equal(out, "untouched");
	}
}

static void keeps_to_the_lengths(void **state)
{
	char label[70], name[300], out[DOMAIN_MAX + 1];

	(void)state;
	memset(label, 'a', 64);
	label[63] = '\0';
	assert_int_equal(domain_normalise(label, false, out, NULL), 0);
	label[63] = 'a';
	label[64] = '\0';
	assert_int_equal(domain_normalise(label, false, out, NULL), -EINVAL);

	for (size_t i = 0; i < 254; i++)
		name[i] = i % 2 ? '.' : 'a';
	name[253] = '\0';
	assert_int_equal(domain_normalise(name, false, out, NULL), 0);
	name[253] = '.';
	name[254] = 'a';
	name[255] = '\0';
	assert_int_equal(domain_normalise(name, false, out, NULL), -EINVAL);
	assert_int_equal(domain_normalise(name + 1, true, out, NULL), -EINVAL);
}

static void takes_wildcards_where_allowed(void **state)
{
	static const char *const bad[] = {"*", "*.", "**.org", "*a.org", "*.*.org", "*.a..org"};
	char out[DOMAIN_MAX + 1];

	(void)state;
	assert_int_equal(domain_normalise("*.Example.org", true, out, NULL), 0);
	assert_string_equal(out, "*.example.org");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(domain_normalise(bad[i], true, out, NULL), -EINVAL);
}

static void patterns_are_checked(void **state)
{
	static const char *const bad[] = {"", ".", "..org", ".*.org", "*", "a b", "*.", ".a."};
	char out[DOMAIN_PATTERN_MAX];

	(void)state;
	assert_int_equal(domain_pattern_normalise(".Example.ORG", out, NULL), 0);
	assert_string_equal(out, ".example.org");
	assert_int_equal(domain_pattern_normalise("*.Example.ORG", out, NULL), 0);
	assert_string_equal(out, "*.example.org");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(domain_pattern_normalise(bad[i], out, NULL), -EINVAL);
}

static void covers_on_label_boundaries(void **state)
{
	static const struct {
		const char *pattern, *domain;
		bool covers;
	} cases[] = {
		{".example.org", "www.example.org", true},
		{".example.org", "a.b.example.org", true},
		{".example.org", "example.org", false},
		{".example.org", "badexample.org", false},
		{".example.org", "*.example.org", true},
		{".example.org", "*.a.example.org", true},
		{"example.org", "example.org", true},
		{"example.org", "www.example.org", true},
		{"example.org", "a.b.example.org", true},
		{"example.org", "badexample.org", false},
		{"ample.org", "example.org", false},
		{"example.org", "*.example.org", true},
		{"*.example.org", "www.example.org", true},
		{"*.example.org", "a.b.example.org", false},
		{"*.example.org", "example.org", false},
		{"*.example.org", "*.example.org", true},
		{"*.example.org", "*.a.example.org", false},
		{"www.example.org", "*.example.org", false},
		{"example.org", "org", false},
		{"org", "*.org", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(domain_covers(cases[i].pattern, cases[i].domain), cases[i].covers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(normalises_names),
		cmocka_unit_test(refuses_what_is_no_name),
		cmocka_unit_test(keeps_to_the_lengths),
		cmocka_unit_test(takes_wildcards_where_allowed),
		cmocka_unit_test(patterns_are_checked),
		cmocka_unit_test(covers_on_label_boundaries),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
