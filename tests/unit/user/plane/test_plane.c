// SPDX-License-Identifier: BSD-2-Clause
/* Which paths the process prepares, and which of them a worker gets. */
#include "user/plane/path.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int prepared, disposed, opened, closed, prepare_result, open_result;
static bool forced;

static int prepare(const struct path_wants *wants, void **ret, char why[PATH_WHY])
{
	prepared++;
	forced = wants->forced;
	snprintf(why, PATH_WHY, "a test of %u workers", wants->workers);
	if (prepare_result == 0)
		*ret = &prepared;
	return prepare_result;
}

static void dispose(void *shared)
{
	assert_ptr_equal(shared, &prepared);
	disposed++;
}

static int open_path(struct path *path, void *shared, unsigned worker)
{
	assert_ptr_equal(shared, &prepared);
	assert_int_equal(worker, 3);
	path->own = &opened;
	opened++;
	return open_result;
}

static void close_path(struct path *path)
{
	assert_ptr_equal(path->own, &opened);
	closed++;
}

static const struct path_ops base = {.name = "base"};
static const struct path_ops bulk = {.name = "bulk"};
static const struct path_ops late = {.name = "late"};
static const struct path_ops quiet = {.name = "quiet",
				      .prepare = prepare,
				      .dispose = dispose,
				      .open = open_path,
				      .close = close_path};

static const struct path_entry table[] = {
	{PATH_BASE, &base}, {PATH_QUIET, &quiet}, {PATH_BULK, &bulk}, {PATH_BULK, &late}, {0},
};

static const struct path_wants wants = {.forced = true, .workers = 4};
static struct paths paths;
static struct plane plane;
static char why[PATH_WHY];

static int set_up(void **state)
{
	(void)state;
	prepared = disposed = opened = closed = prepare_result = open_result = 0;
	plane = (struct plane){.epoll = -1};
	return 0;
}

static void test_all_are_there(void **state)
{
	(void)state;
	assert_true(paths_open(&paths, table, FORWARD_AUTO, &wants, why));
	assert_true(forced);
	assert_string_equal(why, "a test of 4 workers");
	assert_int_equal(plane_open(&plane, &paths, 3), 0);
	assert_int_equal(plane.n_paths, 4);
	assert_ptr_equal(plane.by_role[PATH_BASE]->ops, &base);
	assert_ptr_equal(plane.by_role[PATH_QUIET]->ops, &quiet);
	/* The first of two. */
	assert_ptr_equal(plane.by_role[PATH_BULK]->ops, &bulk);
	for (unsigned i = 0; i < plane.n_paths; i++)
		assert_int_equal(plane.paths[i].index, i);
	plane_close(&plane);
	paths_close(&paths);
	assert_int_equal(closed, 1);
	assert_int_equal(disposed, 1);
}

static void test_nobody_asks_for_it(void **state)
{
	(void)state;
	assert_false(paths_open(&paths, table, FORWARD_SPLICE, &wants, why));
	assert_false(paths_open(&paths, table, FORWARD_COPY, &wants, why));
	assert_string_equal(why, "as the settings ask");
	assert_int_equal(prepared, 0);
	assert_int_equal(plane_open(&plane, &paths, 3), 0);
	assert_null(plane.by_role[PATH_QUIET]);
	assert_int_equal(plane.n_paths, 3);
	plane_close(&plane);
	paths_close(&paths);
	assert_int_equal(opened + closed + disposed, 0);
}

static void test_it_cannot_be_had(void **state)
{
	(void)state;
	prepare_result = -EOPNOTSUPP;
	assert_false(paths_open(&paths, table, FORWARD_SOCKMAP, &wants, why));
	assert_string_equal(why, "a test of 4 workers");
	assert_int_equal(plane_open(&plane, &paths, 3), 0);
	assert_null(plane.by_role[PATH_QUIET]);
	plane_close(&plane);
	paths_close(&paths);
	assert_int_equal(opened + disposed, 0);
}

static void test_a_worker_cannot_open_it(void **state)
{
	(void)state;
	open_result = -EMFILE;
	assert_true(paths_open(&paths, table, FORWARD_AUTO, &wants, why));
	assert_int_equal(plane_open(&plane, &paths, 3), -EMFILE);
	plane_close(&plane);
	plane_close(&plane);
	assert_int_equal(closed, 1);
	paths_close(&paths);
	paths_close(&paths);
	assert_int_equal(disposed, 1);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_are_there),
		TEST(test_nobody_asks_for_it),
		TEST(test_it_cannot_be_had),
		TEST(test_a_worker_cannot_open_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
