// SPDX-License-Identifier: BSD-2-Clause
/* What may wait does, in order, and what may not takes it along. */
#include "user/mail/outbox.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct office {
	struct mailbox *box;
	struct timers timers;
	struct outbox outbox;
};

static int open_office(void **state)
{
	static struct office office;

	office = (struct office){0};
	assert_int_equal(mailbox_new(&office.box), 0);
	outbox_init(&office.outbox, office.box, &office.timers);
	*state = &office;
	return 0;
}

static int close_office(void **state)
{
	struct office *office = *state;

	outbox_clear(&office->outbox);
	mailbox_free(office->box);
	return 0;
}

static struct mail *mail_for(uint64_t connection)
{
	struct mail *mail = mail_new(MAIL_PARKED);

	assert_non_null(mail);
	mail->u.parked.connection = connection;
	return mail;
}

static void expect(struct office *office, uint64_t first, uint64_t count)
{
	struct mail *mail = mailbox_take_all(office->box);

	for (uint64_t i = 0; i < count; i++) {
		struct mail *next;

		assert_non_null(mail);
		assert_int_equal(mail->u.parked.connection, first + i);
		next = mail->next;
		mail_free(mail);
		mail = next;
	}
	assert_null(mail);
}

static int is_readable(const struct office *office)
{
	struct pollfd poll_fd = {.fd = mailbox_fd(office->box), .events = POLLIN};

	return poll(&poll_fd, 1, 0);
}

static void later_waits_for_the_timer(void **state)
{
	struct office *office = *state;

	outbox_put_later(&office->outbox, mail_for(1));
	outbox_put_later(&office->outbox, mail_for(2));
	assert_int_equal(is_readable(office), 0);
	timers_run(&office->timers, clock_now());
	assert_int_equal(is_readable(office), 0);
	timers_run(&office->timers, clock_now() + 10 * NS_PER_MS);
	assert_int_equal(is_readable(office), 1);
	expect(office, 1, 2);
	assert_false(office->outbox.flush.armed);
	/* And again. */
	outbox_put_later(&office->outbox, mail_for(3));
	timers_run(&office->timers, clock_now() + 20 * NS_PER_MS);
	expect(office, 3, 1);
}

static void urgent_takes_the_rest_along(void **state)
{
	struct office *office = *state;

	outbox_put_later(&office->outbox, mail_for(1));
	outbox_put_later(&office->outbox, mail_for(2));
	outbox_put(&office->outbox, mail_for(3));
	assert_int_equal(is_readable(office), 1);
	expect(office, 1, 3);
	assert_false(office->outbox.flush.armed);
}

/* What waits when the worker ends is freed: the sanitizer would tell. */
static void cleared_unsent(void **state)
{
	struct office *office = *state;

	outbox_put_later(&office->outbox, mail_for(1));
	outbox_clear(&office->outbox);
	expect(office, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(later_waits_for_the_timer, open_office,
						close_office),
		cmocka_unit_test_setup_teardown(urgent_takes_the_rest_along, open_office,
						close_office),
		cmocka_unit_test_setup_teardown(cleared_unsent, open_office, close_office),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
