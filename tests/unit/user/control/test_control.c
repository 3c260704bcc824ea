// SPDX-License-Identifier: BSD-2-Clause
/* How the control thread starts, stops, and says why it cannot. */
#include "tests/unit/user/control/fixture.h"

#include <errno.h>

static const char *signal_script(void)
{
	mail_free(wait_for_mail(0));
	mail_free(wait_for_mail(1));
	usleep(100000);
	kill(getpid(), SIGTERM);
	CHECK(wait_for_stop(0) == 1000);
	CHECK(wait_for_stop(1) == 1000);
	return NULL;
}

static void a_signal_stops_it(void **state)
{
	(void)state;
	open_control(&role_public, "");
	last_grace_ms = 0; /* a second time it is to be quick */
	run_beside(signal_script);
}

static void what_cannot_start_says_why(void **state)
{
	json_t *settings = load("public", "");
	struct control *second = NULL;
	char *error = NULL;

	(void)state;
	json_object_set_new(json_object_get(json_object_get(settings, "public"), "jsonrpc_server"),
			    "bind_address", json_string("192.0.2.1:1"));
	assert_true(control_new(settings, &role_public, &second, &error) < 0);
	assert_non_null(error);
	free(error);
	json_decref(settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONTROL_TEST(a_signal_stops_it),
		CONTROL_TEST(what_cannot_start_says_why),
	};
	signal(SIGPIPE, SIG_IGN);
	alarm(600);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
