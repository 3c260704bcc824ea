// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/cleanup.h"
#include "relay/channel/grpc/result.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_round_trip(void **state)
{
	static const char *const values[] = {"[null,1]",  "\"ok\"",           "null", "false", "{}",
					     "{\"a\":1}", "{\"_\":1,\"b\":2}"};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		AUTO_JSON json_t *value = json_loads(values[i], JSON_DECODE_ANY, NULL);
		AUTO_JSON json_t *wrapped = result_wrap(value);
		assert_true(json_is_object(wrapped));
		AUTO_JSON json_t *back = result_unwrap(wrapped);
		assert_true(json_equal(value, back));
	}
	AUTO_JSON json_t *nothing = result_wrap(NULL);
	AUTO_JSON json_t *unwrapped = result_unwrap(nothing);
	assert_true(json_is_null(unwrapped));
	assert_true(json_is_null(result_unwrap(NULL)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
