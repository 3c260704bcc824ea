// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/user/fakes.h"
#include "user/mail/routes.h"
#include "user/public/publisher.h"

static void one_table_a_turn_for_all(void **state)
{
	const struct announcements_limits limits = {.total = 10, .per_owner = 10};
	struct mailbox *workers[2] = {(struct mailbox *)"a", (struct mailbox *)"b"};
	struct crew crew = {.boxes = workers, .n = 2};
	struct event_base *base = event_base_new();
	struct announcements *all = NULL;
	struct publisher *publisher = NULL;
	struct stored record = {"a.org", "", "x", 0};

	(void)state;
	assert_int_equal(announcements_new(NULL, &limits, 0, &all), 0);
	assert_int_equal(publisher_new(base, all, &crew, &publisher), 0);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(n_fake_mail, 0);

	assert_int_equal(announcements_put(all, &record), 1);
	publisher_changed(publisher);
	record.domain = "b.org";
	assert_int_equal(announcements_put(all, &record), 1);
	publisher_changed(publisher);
	assert_int_equal(announcements_commit(all), 1);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(n_fake_mail, 2);

	for (unsigned i = 0; i < 2; i++) {
		struct mailbox *to;
		struct mail *mail = fake_take_mail(&to);
		assert_ptr_equal(to, workers[i]);
		assert_int_equal(mail->type, MAIL_ROUTES);
		assert_string_equal(routes_find(mail->u.routes, "a.org", 0)->owner, "x");
		assert_string_equal(routes_find(mail->u.routes, "b.org", 0)->owner, "x");
		mail_free(mail);
	}
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(n_fake_mail, 0);

	publisher_free(publisher);
	publisher_free(NULL);
	announcements_free(all);
	event_base_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_table_a_turn_for_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
