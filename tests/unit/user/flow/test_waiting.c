// SPDX-License-Identifier: BSD-2-Clause
/* Who waits for which token, and how many may. */
#include "user/flow/waiting.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct connection connections[8];
static struct operator_table operators;

static int tear_down(void **state)
{
	waiting_room_free(*state);
	operators_clear(&operators);
	return 0;
}

static struct waiting_room *room(uint32_t most, uint32_t most_per_operator)
{
	operators_init(&operators);
	struct waiting_room *room = waiting_room_new(&operators);
	waiting_room_limit(room, most, most_per_operator);
	return room;
}

static int enter(void **state, int i, const char *private)
{
	connections[i] = (struct connection){0};
	memset(connections[i].token_key, i + 1, TOKEN_KEY_BYTES);
	return waiting_enter(*state, private, &connections[i]);
}

static struct connection *find(void **state, int i)
{
	uint8_t key[TOKEN_KEY_BYTES];

	memset(key, i + 1, sizeof(key));
	return waiting_find(*state, key);
}

static void by_its_token(void **state)
{
	*state = room(8, 8);
	assert_int_equal(enter(state, 0, "one"), 0);
	assert_int_equal(enter(state, 1, "one"), 0);
	assert_ptr_equal(find(state, 0), &connections[0]);
	assert_ptr_equal(find(state, 1), &connections[1]);
	assert_null(find(state, 2));
	waiting_leave(*state, &connections[0]);
	assert_null(find(state, 0));
	assert_ptr_equal(find(state, 1), &connections[1]);
	/* A key that differs in its last byte falls into the same bucket. */
	connections[1].token_key[TOKEN_KEY_BYTES - 1] ^= 1;
	assert_null(find(state, 1));
}

/* One private proxy that does not come leaves room for the clients of others. */
static void each_operator_has_its_limit(void **state)
{
	*state = room(5, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(enter(state, i, "dead"), 0);
	assert_int_equal(enter(state, 3, "dead"), -EDQUOT);
	assert_int_equal(enter(state, 4, "well"), 0);
	assert_int_equal(enter(state, 5, "well"), 0);
	assert_int_equal(enter(state, 6, "third"), -EUSERS);
	waiting_leave(*state, &connections[1]);
	assert_int_equal(enter(state, 1, "dead"), 0);
	assert_int_equal(enter(state, 3, "dead"), -EUSERS);
	for (int i = 0; i < 3; i++)
		waiting_leave(*state, &connections[i]);
	assert_int_equal(enter(state, 6, "third"), 0);
}

/* Whoever waits for nobody is in no table: also after a refusal. */
static void entries_go_with_the_last(void **state)
{
	*state = room(2, 1);
	assert_int_equal(enter(state, 0, "one"), 0);
	assert_int_equal(enter(state, 1, "one"), -EDQUOT);
	assert_int_equal(enter(state, 1, "two"), 0);
	assert_int_equal(enter(state, 2, "three"), -EUSERS);
	assert_int_equal(operators.by_name.n, 2);
	waiting_leave(*state, &connections[0]);
	assert_null(operators_find(&operators, "one"));
	assert_null(connections[0].waiting_for);
	waiting_leave(*state, &connections[0]); /* is not in */
	waiting_leave(*state, &connections[1]);
	assert_int_equal(operators.by_name.n, 0);
}

/* Lower limits are for those who come. */
static void other_limits(void **state)
{
	*state = room(8, 8);
	for (int i = 0; i < 4; i++)
		assert_int_equal(enter(state, i, "one"), 0);
	waiting_room_limit(*state, 8, 2);
	assert_int_equal(enter(state, 4, "one"), -EDQUOT);
	assert_ptr_equal(find(state, 3), &connections[3]);
	waiting_room_limit(*state, 4, 8);
	assert_int_equal(enter(state, 4, "one"), -EUSERS);
	waiting_room_limit(*state, 5, 8);
	assert_int_equal(enter(state, 4, "one"), 0);
	for (int i = 0; i < 5; i++)
		waiting_leave(*state, &connections[i]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(by_its_token, tear_down),
		cmocka_unit_test_teardown(each_operator_has_its_limit, tear_down),
		cmocka_unit_test_teardown(entries_go_with_the_last, tear_down),
		cmocka_unit_test_teardown(other_limits, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
