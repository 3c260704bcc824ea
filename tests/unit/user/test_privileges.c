// SPDX-License-Identifier: BSD-2-Clause
/* What is left after the start; in a child, as there is no way back. */
#include "user/privileges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdbool.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CAP_BPF
#define CAP_BPF 39
#endif

static bool has(cap_t all, cap_value_t capability)
{
	cap_flag_value_t value = CAP_CLEAR;

	return cap_get_flag(all, capability, CAP_PERMITTED, &value) == 0 && value == CAP_SET;
}

/* The exit status: 0, or which step went wrong. */
static int drop_and_look(void)
{
	cap_t before = cap_get_proc();
	int r = privileges_drop();
	cap_t after = cap_get_proc();

	if (r < 0)
		return 1;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 2;
	for (cap_value_t c = 0; c < (cap_value_t)cap_max_bits(); c++) {
		bool needed = c == CAP_BPF || c == CAP_NET_ADMIN;

		if (has(after, c) != (needed && has(before, c)))
			return 3;
		/* Whoever could not have taken any from the bounding set has none to gain. */
		if (has(before, CAP_SETPCAP) && !needed && cap_get_bound(c) == CAP_SET)
			return 4;
	}
	if (has(after, CAP_SETPCAP) || cap_set_proc(before) == 0)
		return has(before, CAP_SETPCAP) ? 5 : 0;
	return 0;
}

static void only_what_is_needed_is_left(void **state)
{
	int status = -1;

	(void)state;
	pid_t child = fork();
	if (child == 0)
		_exit(drop_and_look());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_needed_is_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
