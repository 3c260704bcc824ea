// SPDX-License-Identifier: BSD-2-Clause
/* Connections by their id. */
#include "user/flow/ids.h"

#include "tests/unit/user/flow/fixture.h"

static void by_their_id(void **state)
{
	struct connection *one = connection_new(worker), *two = connection_new(worker);

	(void)state;
	assert_null(ids_find(worker, one->id));
	ids_add(one);
	ids_add(two);
	assert_ptr_equal(ids_find(worker, one->id), one);
	assert_ptr_equal(ids_find(worker, two->id), two);
	assert_null(ids_find(worker, two->id + WORKERS));
	ids_remove(one);
	ids_remove(one);
	assert_null(ids_find(worker, one->id));
	assert_ptr_equal(ids_find(worker, two->id), two);
	ids_remove(two);
}

/* Of two workers none makes the other's. */
static void ids_are_unique(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		for (unsigned w = 0; w < WORKERS; w++) {
			struct connection *connection = connection_new(workers.list[w]);

			assert_int_equal(connection->id % WORKERS, w);
			assert_int_equal(connection->id / WORKERS, i + 1);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WORKER_TEST(by_their_id),
		WORKER_TEST(ids_are_unique),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
