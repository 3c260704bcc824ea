// SPDX-License-Identifier: BSD-2-Clause
#include "common/loop/timer.h"

#include "common/loop/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define N 2000

struct probe {
	struct timer timer;
	struct timers *timers;
	uint64_t again; /* arm for this time when fired, once */
	unsigned fired;
};

static uint64_t last_fired;
static unsigned n_fired;

static void on_fire(struct timer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);

	assert_false(timer->armed);
	assert_true(timer->due >= last_fired);
	last_fired = timer->due;
	n_fired++;
	probe->fired++;
	if (probe->again) {
		timer_arm(probe->timers, timer, probe->again);
		probe->again = 0;
	}
}

static void test_random_order(void **state)
{
	struct timers timers = {NULL};
	struct probe *probes = calloc(N, sizeof(*probes));
	unsigned random = 5, armed = 0;

	(void)state;
	last_fired = n_fired = 0;
	for (int i = 0; i < N; i++) {
		probes[i].timer.fire = on_fire;
		probes[i].timers = &timers;
		timer_arm(&timers, &probes[i].timer, (uint64_t)rand_r(&random) % 1000 + 1);
	}
	/* Moved and taken out at random, many times. */
	for (int i = 0; i < 5 * N; i++) {
		struct probe *probe = &probes[rand_r(&random) % N];

		if (rand_r(&random) % 3 == 0)
			timer_disarm(&timers, &probe->timer);
		else
			timer_arm(&timers, &probe->timer, (uint64_t)rand_r(&random) % 1000 + 1);
	}
	for (int i = 0; i < N; i++)
		armed += probes[i].timer.armed;
	for (uint64_t now = 0; now <= 1000; now += 50) {
		timers_run(&timers, now);
		assert_true(timers_next(&timers, now) != 0);
	}
	assert_int_equal(n_fired, armed);
	assert_int_equal(timers_next(&timers, 1000), -1);
	free(probes);
}

static void test_next(void **state)
{
	struct timers timers = {NULL};
	struct probe probe = {.timer.fire = on_fire, .timers = &timers};

	(void)state;
	last_fired = 0;
	assert_int_equal(timers_next(&timers, 0), -1);
	timer_disarm(&timers, &probe.timer);
	timer_arm(&timers, &probe.timer, 100);
	assert_int_equal(timers_next(&timers, 40), 60);
	assert_int_equal(timers_next(&timers, 100), 0);
	assert_int_equal(timers_next(&timers, 500), 0);
	timers_run(&timers, 99);
	assert_int_equal(probe.fired, 0);
	probe.again = 200;
	timers_run(&timers, 100);
	assert_int_equal(probe.fired, 1);
	assert_true(probe.timer.armed);
	timers_run(&timers, 300);
	assert_int_equal(probe.fired, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_order),
		cmocka_unit_test(test_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
