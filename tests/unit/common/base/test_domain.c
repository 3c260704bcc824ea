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
		/* No host names, but names that DNS and clients know. */
		{"A_b.example.org", "a_b.example.org"},
		{"_x.example.org", "_x.example.org"},
		{"_acme-challenge._tcp.example", "_acme-challenge._tcp.example"},
		{"abc-.example.org", "abc-.example.org"},
		{"-abc.example.org", "-abc.example.org"},
		{"a.-", "a.-"},
		{"_", "_"},
		{"192.0.2._1", "192.0.2._1"},
		{"Example.ORG.", "example.org"},
		{"a_b-.example.org.", "a_b-.example.org"},
		{"a.", "a"},
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
		"",          ".",       "..",         "a..x.org",     "example.org..",
		".a.",       ".a.org",  "a b.org",    "b\xc3\xbc.de", "*.example.org",
		"192.0.2.1", "a.*.org", "192.0.2.1.", "a.1.",         "a.org/x",
		"a:443",     "a.1",     "[::1]",      "::1",          "a\n.org",
		"\"a\".org", "a\\.org", "a\x80z.org", "a,b",          "a.org:",
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

	/* 253 bytes, and the dot at the end, which does not count. */
	name[254] = '\0';
	assert_int_equal(domain_normalise(name, false, out, NULL), 0);
	assert_int_equal(strlen(out), 253);
	name[253] = '\0';
	name[0] = '*';
	assert_int_equal(domain_normalise(name, true, out, NULL), 0);
	assert_int_equal(strlen(out), 253);
	name[253] = '.';
	assert_int_equal(domain_normalise(name, true, out, NULL), 0);
	assert_int_equal(strlen(out), 253);
	name[254] = 'a';
	assert_int_equal(domain_normalise(name, true, out, NULL), -EINVAL);
}

static void takes_wildcards_where_allowed(void **state)
{
	static const char *const bad[] = {"*",        "*.",  "**.org",    "*a.org", "*.*.org",
					  "*.a..org", "*..", "*.a.org..", "*.1"};
	char out[DOMAIN_MAX + 1];

	(void)state;
	assert_int_equal(domain_normalise("*.Example.org", true, out, NULL), 0);
	assert_string_equal(out, "*.example.org");
	assert_int_equal(domain_normalise("*._A-.example.org.", true, out, NULL), 0);
	assert_string_equal(out, "*._a-.example.org");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(domain_normalise(bad[i], true, out, NULL), -EINVAL);
}

static void patterns_are_checked(void **state)
{
	static const char *const bad[] = {"",    ".",  "..org", ".*.org", "*",
					  "a b", "*.", ".a..",  "..a."};
	char out[DOMAIN_PATTERN_MAX];

	(void)state;
	assert_int_equal(domain_pattern_normalise(".Example.ORG", out, NULL), 0);
	assert_string_equal(out, ".example.org");
	assert_int_equal(domain_pattern_normalise("*.Example.ORG", out, NULL), 0);
	assert_string_equal(out, "*.example.org");
	assert_int_equal(domain_pattern_normalise("._Tenant-.Example.ORG.", out, NULL), 0);
	assert_string_equal(out, "._tenant-.example.org");
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
		{".example.org", "a_b.example.org", true},
		{"*.example.org", "abc-.example.org", true},
		{"_x.example.org", "_x.example.org", true},
		{"x.example.org", "_x.example.org", false},
		{"x.example.org", "a-.x.example.org", true},
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
