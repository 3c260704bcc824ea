// SPDX-License-Identifier: BSD-2-Clause
/* Workers share what a source may do. */
#include "user/flow/rate_gate.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

#define THREADS 4
#define EACH    500

static struct rate_gate *gate;
static struct addr source;
static _Atomic unsigned admitted;

static void *knock(void *arg)
{
	for (int i = 0; i < EACH; i++)
		if (rate_gate_admit(gate, &source))
			atomic_fetch_add(&admitted, 1);
	return arg;
}

static void one_limit_for_all_threads(void **state)
{
	json_t *limits = json_pack("[{s:s, s:i}]", "type", "hour", "limit", 700);
	pthread_t threads[THREADS];

	(void)state;
	assert_int_equal(addr_parse("192.0.2.1:1", &source, 1), 1);
	assert_int_equal(rate_gate_new(limits, &gate), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, knock, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&admitted), 700);
	rate_gate_free(gate);
	json_decref(limits);
}

static void none_without_limits(void **state)
{
	json_t *empty = json_array(), *nonsense = json_pack("[{}]");

	(void)state;
	assert_int_equal(rate_gate_new(NULL, &gate), 0);
	assert_null(gate);
	assert_int_equal(rate_gate_new(empty, &gate), 0);
	assert_null(gate);
	assert_int_equal(rate_gate_new(nonsense, &gate), -EINVAL);
	rate_gate_free(NULL);
	json_decref(empty);
	json_decref(nonsense);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_limit_for_all_threads),
		cmocka_unit_test(none_without_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
