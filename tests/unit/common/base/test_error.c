// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

static void says_what_is_wrong(void **state)
{
	char *error = NULL;

	(void)state;
	assert_int_equal(error_set(&error, -EINVAL, "%s: %d", "limits.pending", 7), -EINVAL);
	assert_string_equal(error, "limits.pending: 7");
	free(error);
}

static void nobody_has_to_listen(void **state)
{
	(void)state;
	assert_int_equal(error_set(NULL, -ENOMEM, "%s", "unheard"), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(nobody_has_to_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
