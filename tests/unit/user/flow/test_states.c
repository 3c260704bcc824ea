// SPDX-License-Identifier: BSD-2-Clause
/* The picture of state.h, move by move. */
#include "user/flow/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

static const unsigned allowed[CONNECTION_STATES] = {
	[CONNECTION_NEW] = TO(CONNECTION_PEEK) | TO(CONNECTION_DIAL),
	[CONNECTION_PEEK] = TO(CONNECTION_RENDEZVOUS) | TO(CONNECTION_PAIR) | TO(CONNECTION_REFUSE),
	[CONNECTION_RENDEZVOUS] = TO(CONNECTION_PAIR) | TO(CONNECTION_REFUSE),
	[CONNECTION_DIAL] = TO(CONNECTION_PAIR) | TO(CONNECTION_AHEAD),
	[CONNECTION_AHEAD] = TO(CONNECTION_DIAL),
};

static void only_the_moves_of_the_picture(void **state)
{
	(void)state;
	for (int i = 0; i < CONNECTION_STATES; i++) {
		assert_non_null(state_table[i]);
		assert_non_null(state_table[i]->name);
		assert_int_equal(state_table[i]->next, allowed[i]);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_moves_of_the_picture),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
