// SPDX-License-Identifier: BSD-2-Clause
/* A worker that gets other settings by mail goes by them from then on. */
#include "tests/unit/user/flow/fixture.h"

static void configure(struct config *config)
{
	struct mail *mail = mail_new(MAIL_CONFIG);

	mail->u.config = config;
	mailbox_put(worker->box, mail);
	turn(worker);
}

static int silent_client(void)
{
	struct addr client = some_client();
	int fds[2];

	connect_pair(fds);
	peek_accepted(worker, fds[1], &client);
	return fds[0];
}

/* Each connection's hello has the time that counted when it came. */
static void time_outs(void **state)
{
	struct config *config = new_config();
	int before = silent_client(), after;

	(void)state;
	config->hello_timeout = NS_PER_S;
	configure(config);
	after = silent_client();
	time_goes_by(worker, 2 * NS_PER_S);
	assert_int_equal(in_state(CONNECTION_PEEK), 1);
	time_goes_by(worker, 6 * NS_PER_S);
	assert_int_equal(in_state(CONNECTION_PEEK), 0);
	close(before);
	close(after);
}

/* Who is there stays; the next one is one too many. */
static void limits(void **state)
{
	struct config *config = new_config();
	int before = silent_client(), after;

	(void)state;
	config->half_open = 1;
	config->dial_backs = 0;
	configure(config);
	after = silent_client();
	assert_int_equal(in_state(CONNECTION_PEEK), 1);
	assert_int_equal(counted(COUNTER_COMPLAINTS + COMPLAINT_HALF_OPEN), 1);
	struct addr peer = some_client();
	int fds[2];
	connect_pair(fds);
	dial_back_accepted(worker, fds[1], &peer);
	assert_int_equal(counted(COUNTER_COMPLAINTS + COMPLAINT_DIAL_BACKS), 1);
	close(fds[0]);
	close(before);
	close(after);
}

/* Streams look at the worker's rules each time. */
static void the_rules_of_auto(void **state)
{
	struct config *config = new_config();

	(void)state;
	config->plane.rules.bulk_bytes = 12345;
	configure(config);
	assert_ptr_equal(worker->plane.settings, &config->plane);
	assert_int_equal(worker->plane.settings->rules.bulk_bytes, 12345);
}

/* The last worker that uses it frees it: the sanitizer would tell of the first one. */
static void goes_with_its_last_user(void **state)
{
	struct config *config = new_config();
	const struct config *first = worker->config;

	(void)state;
	assert_ptr_equal(workers.list[1]->config, first);
	assert_int_equal(atomic_load(&first->references), 2);
	configure(config);
	assert_ptr_equal(worker->config, config);
	assert_int_equal(atomic_load(&first->references), 1);
	assert_int_equal(atomic_load(&config->references), 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WORKER_TEST(time_outs),
		WORKER_TEST(limits),
		WORKER_TEST(the_rules_of_auto),
		WORKER_TEST(goes_with_its_last_user),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
