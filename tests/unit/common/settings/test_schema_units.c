// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/common/settings/fixture.h"

static void durations(void **state)
{
	static const struct {
		const char *text;
		int r;
		long long ms;
	} cases[] = {
		{"10", 0, 10000},
		{"0", 0, 0},
		{"10s", 0, 10000},
		{"500ms", 0, 500},
		{"5m", 0, 300000},
		{"1h", 0, 3600000},
		{"2d", 0, 172800000},
		{"1.5s", 0, 1500},
		{"0.25", 0, 250},
		{"0.5ms", 0, 0},
		{"1.999999999s", 0, 1999},
		{"", -EINVAL, 0},
		{"s", -EINVAL, 0},
		{"-1s", -EINVAL, 0},
		{"+1", -EINVAL, 0},
		{"1 s", -EINVAL, 0},
		{"1S", -EINVAL, 0},
		{"1min", -EINVAL, 0},
		{"1.s", -EINVAL, 0},
		{".5s", -EINVAL, 0},
		{"1h30m", -EINVAL, 0},
		{"1e3", -EINVAL, 0},
		{"0x10", -EINVAL, 0},
		{" 1", -EINVAL, 0},
		{"1KiB", -EINVAL, 0},
		{"1.0000000001", -EINVAL, 0},
		{"99999999999999999999", -ERANGE, 0},
		{"9223372036854775807", -ERANGE, 0},
		{"9223372036854775807ms", 0, 9223372036854775807},
		{"9223372036854775807.5h", -ERANGE, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		long long ms = -7;

		if (schema_parse_duration(cases[i].text, &ms) != cases[i].r)
			fail_msg("%s", cases[i].text);
		assert_true(ms == (cases[i].r < 0 ? -7 : cases[i].ms));
	}
}

static void sizes(void **state)
{
	static const struct {
		const char *text;
		int r;
		long long bytes;
	} cases[] = {
		{"4096", 0, 4096},      {"0", 0, 0},
		{"1B", 0, 1},           {"64KiB", 0, 65536},
		{"4MiB", 0, 4 << 20},   {"1.5GiB", 0, 3LL << 29},
		{"1TiB", 0, 1LL << 40}, {"64KB", -EINVAL, 0},
		{"64k", -EINVAL, 0},    {"64 KiB", -EINVAL, 0},
		{"KiB", -EINVAL, 0},    {"-1", -EINVAL, 0},
		{"10s", -EINVAL, 0},    {"8388608TiB", -ERANGE, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		long long bytes = -7;

		if (schema_parse_size(cases[i].text, &bytes) != cases[i].r)
			fail_msg("%s", cases[i].text);
		assert_true(bytes == (cases[i].r < 0 ? -7 : cases[i].bytes));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations),
		cmocka_unit_test(sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
