// SPDX-License-Identifier: BSD-2-Clause
/* From which version to which each quirk is there. */
#include "user/plane/sockmap/gate.h"
#include "user/plane/sockmap/quirks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct {
	struct kernel_version version;
	struct kernel_quirks quirks;
} rows[] = {
	/*                 order, locks, urgent */
	{{5, 10, 262}, {true, true, true}},   {{5, 12, 19}, {true, true, true}},
	{{5, 13, 0}, {true, false, true}},    {{5, 15, 200}, {true, false, true}},
	{{5, 19, 17}, {true, false, true}},   {{6, 0, 0}, {true, false, false}},
	{{6, 1, 31}, {true, false, false}},   {{6, 1, 32}, {false, false, false}},
	{{6, 2, 16}, {true, false, false}},   {{6, 3, 13}, {true, false, false}},
	{{6, 4, 0}, {false, false, false}},   {{6, 12, 117}, {false, false, false}},
	{{6, 18, 44}, {false, false, false}}, {{7, 0, 0}, {false, false, false}},
};

static void test_rows(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kernel_quirks quirks = quirks_of(&rows[i].version);

		assert_int_equal(quirks.passes_out_of_order, rows[i].quirks.passes_out_of_order);
		assert_int_equal(quirks.worker_locks, rows[i].quirks.worker_locks);
		assert_int_equal(quirks.stops_at_urgent, rows[i].quirks.stops_at_urgent);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
