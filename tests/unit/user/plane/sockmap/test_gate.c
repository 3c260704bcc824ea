// SPDX-License-Identifier: BSD-2-Clause
#include "user/plane/sockmap/gate.h"
#include "user/plane/sockmap/quirks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *bug(unsigned major, unsigned minor, unsigned patch)
{
	const struct kernel_version version = {major, minor, patch};

	return gate_known_bug(&version);
}

static void test_versions(void **state)
{
	struct kernel_version version;

	(void)state;
	assert_int_equal(gate_parse_version("6.18.44-fc", "#1 SMP", &version), 0);
	assert_int_equal(version.major, 6);
	assert_int_equal(version.minor, 18);
	assert_int_equal(version.patch, 44);
	assert_int_equal(gate_parse_version("6.1.0-49-cloud-amd64",
					    "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-10-01)",
					    &version),
			 0);
	assert_int_equal(version.patch, 192);
	assert_int_equal(gate_parse_version("7.0-rc3", "#1", &version), 0);
	assert_int_equal(version.major, 7);
	assert_int_equal(gate_parse_version("banana", "#1", &version), -EINVAL);
}

static void test_trusted(void **state)
{
	(void)state;
	assert_null(bug(6, 12, 42));
	assert_null(bug(6, 16, 0));
	assert_null(bug(6, 18, 44));
	assert_null(bug(7, 3, 4));
}

static void test_not_trusted(void **state)
{
	(void)state;
	assert_non_null(bug(4, 19, 300));
	assert_non_null(bug(5, 10, 262));
	assert_non_null(bug(5, 15, 999));
	assert_non_null(bug(6, 0, 5));
	assert_non_null(bug(6, 1, 147));
	assert_non_null(bug(6, 1, 192));
	assert_non_null(bug(6, 5, 50));
	assert_non_null(bug(6, 6, 120));
	assert_non_null(bug(6, 8, 12));
	assert_non_null(bug(6, 12, 41));
	assert_non_null(bug(6, 13, 9));
	assert_non_null(bug(6, 15, 11));
}

static struct kernel_quirks quirks(unsigned major, unsigned minor, unsigned patch)
{
	const struct kernel_version version = {major, minor, patch};

	return quirks_of(&version);
}

static void test_quirks(void **state)
{
	(void)state;
	assert_true(quirks(5, 10, 262).passes_out_of_order);
	assert_true(quirks(5, 10, 262).stops_at_urgent);
	assert_true(quirks(6, 1, 31).passes_out_of_order);
	assert_false(quirks(6, 1, 31).stops_at_urgent);
	assert_false(quirks(6, 1, 32).passes_out_of_order);
	assert_true(quirks(6, 3, 13).passes_out_of_order);
	assert_false(quirks(6, 4, 0).passes_out_of_order);
	assert_false(quirks(7, 2, 13).passes_out_of_order);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_trusted),
		cmocka_unit_test(test_not_trusted),
		cmocka_unit_test(test_quirks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
