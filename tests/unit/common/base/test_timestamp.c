// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>

static void reads_rfc_3339(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"2026-11-22T09:35:31Z", 1795340131000},
		{"2026-11-22T09:35:31.5Z", 1795340131500},
		{"2026-11-22T09:35:31.123456789Z", 1795340131123},
		{"2026-11-22T10:35:31+01:00", 1795340131000},
		{"2026-11-22t04:05:31-05:30", 1795340131000},
		{"2024-02-29T00:00:00Z", 1709164800000},
	};
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(timestamp_parse(good[i].text, &ms), 0);
		assert_int_equal(ms, good[i].ms);
	}
}

static void refuses_the_rest(void **state)
{
	static const char *const bad[] = {
		"",
		"now",
		"2026-11-22",
		"2026-11-22T09:35:31",
		"2026-11-22T09:35Z",
		"2026-13-22T09:35:31Z",
		"2026-02-29T09:35:31Z",
		"2026-11-31T09:35:31Z",
		"2026-11-22T24:35:31Z",
		"2026-11-22T09:35:31.Z",
		"2026-11-22T09:35:31+0100",
		"2026-11-22T09:35:31Zx",
		"0000-01-01T00:00:00Z",
		"+2026-1-1T00:00:00Z",
	};
	int64_t ms = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(timestamp_parse(bad[i], &ms), -EINVAL);
	assert_int_equal(ms, 42);
}

static void writes_what_it_reads(void **state)
{
	char text[TIMESTAMP_TEXT_MAX];
	int64_t now = timestamp_now(), again;

	(void)state;
	timestamp_format(1795340131000, text);
	assert_string_equal(text, "2026-11-22T09:35:31Z");
	timestamp_format(1795340131007, text);
	assert_string_equal(text, "2026-11-22T09:35:31.007Z");
	timestamp_format(now, text);
	assert_int_equal(timestamp_parse(text, &again), 0);
	assert_int_equal(again, now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_rfc_3339),
		cmocka_unit_test(refuses_the_rest),
		cmocka_unit_test(writes_what_it_reads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
