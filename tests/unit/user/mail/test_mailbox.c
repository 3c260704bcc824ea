// SPDX-License-Identifier: BSD-2-Clause
#include "user/mail/mailbox.h"
#include "user/mail/routes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

static bool readable(const struct mailbox *box)
{
	struct pollfd fd = {.fd = mailbox_fd(box), .events = POLLIN};

	return poll(&fd, 1, 0) == 1;
}

static void put_number(struct mailbox *box, unsigned number)
{
	struct mail *mail = mail_new(MAIL_INSIDE);

	assert_non_null(mail);
	mail->u.inside.connection = number;
	mailbox_put(box, mail);
}

static void keeps_order_and_wakes_its_reader(void **state)
{
	struct mailbox *box;

	(void)state;
	assert_int_equal(mailbox_new(&box), 0);
	assert_false(readable(box));
	assert_null(mailbox_take_all(box));

	for (unsigned i = 0; i < 3; i++)
		put_number(box, i);
	assert_true(readable(box));
	struct mail *mail = mailbox_take_all(box);
	assert_false(readable(box));
	for (unsigned i = 0; i < 3; i++) {
		struct mail *next = mail->next;
		assert_int_equal(mail->u.inside.connection, i);
		mail_free(mail);
		mail = next;
	}
	assert_null(mail);
	assert_null(mailbox_take_all(box));

	put_number(box, 7);
	assert_true(readable(box));
	mailbox_free(box); /* with mail inside */
}

static void mail_frees_what_it_owns(void **state)
{
	struct mailbox *box;
	struct routes *routes = routes_new(NULL, 0);
	struct mail *mail;
	int fd = dup(0);

	(void)state;
	assert_int_equal(mailbox_new(&box), 0);
	mail = mail_new(MAIL_DIALLED_BACK);
	assert_int_equal(mail->u.dialled_back.fd, -1);
	mail->u.dialled_back.fd = fd;
	mailbox_put(box, mail);
	mail = mail_new(MAIL_ROUTES);
	mail->u.routes = routes_ref(routes);
	mailbox_put(box, mail);
	mail_free(mail_new(MAIL_DIALLED_BACK));
	mail_free(mail_new(MAIL_ROUTES));
	mail_free(NULL);
	mailbox_free(box);
	mailbox_free(NULL);

	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_null(routes_find(routes, "a.example", 0));
	routes_unref(routes);
}

#define WRITERS  4
#define PER_HEAD 20000

static void *write_many(void *box)
{
	for (unsigned i = 0; i < PER_HEAD; i++) {
		struct mail *mail = mail_new(MAIL_INSIDE);
		mail->u.inside.connection = i;
		mailbox_put(box, mail);
	}
	return NULL;
}

static void nothing_is_lost_between_threads(void **state)
{
	pthread_t writers[WRITERS];
	struct mailbox *box;
	unsigned count = 0;

	(void)state;
	assert_int_equal(mailbox_new(&box), 0);
	for (unsigned i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&writers[i], NULL, write_many, box), 0);
	while (count < WRITERS * PER_HEAD) {
		struct pollfd fd = {.fd = mailbox_fd(box), .events = POLLIN};
		assert_int_equal(poll(&fd, 1, 10000), 1);
		for (struct mail *mail = mailbox_take_all(box), *next; mail; mail = next) {
			next = mail->next;
			mail_free(mail);
			count++;
		}
	}
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_join(writers[i], NULL);
	assert_null(mailbox_take_all(box));
	mailbox_free(box);
}

static struct stop_order take_stop(struct mailbox *box)
{
	struct stop_order order;

	assert_null(mailbox_take_all(box));
	assert_true(mailbox_take_stop(box, &order));
	assert_false(mailbox_take_stop(box, &order));
	return order;
}

static void a_stop_wakes_its_reader_once(void **state)
{
	struct stop_order order;
	struct mailbox *box;

	(void)state;
	assert_int_equal(mailbox_new(&box), 0);
	assert_false(mailbox_take_stop(box, &order));
	mailbox_stop(box, 500, false);
	assert_true(readable(box));
	/* The reader learns of it with the mail that came before. */
	assert_false(mailbox_take_stop(box, &order));
	order = take_stop(box);
	assert_int_equal(order.grace_ms, 500);
	assert_false(order.dismissed);
	assert_false(readable(box));
	assert_null(mailbox_take_all(box));
	assert_false(mailbox_take_stop(box, &order));
	mailbox_stop(box, 700, true);
	order = take_stop(box);
	assert_int_equal(order.grace_ms, 700);
	assert_true(order.dismissed);
	mailbox_free(box);
}

/* Signal again, while the first order is still unread. */
static void unread_stops_become_one(void **state)
{
	struct stop_order order;
	struct mailbox *box;

	(void)state;
	assert_int_equal(mailbox_new(&box), 0);
	mailbox_stop(box, 500, true);
	mailbox_stop(box, 0, false);
	order = take_stop(box);
	assert_int_equal(order.grace_ms, 0);
	assert_true(order.dismissed);
	mailbox_stop(box, 3, false);
	assert_null(mailbox_take_all(box));
	mailbox_stop(box, 9, false);
	order = take_stop(box);
	assert_int_equal(order.grace_ms, 3);
	mailbox_free(box);
}

static void a_stop_comes_after_earlier_mail(void **state)
{
	struct stop_order order;
	struct mailbox *box;

	(void)state;
	assert_int_equal(mailbox_new(&box), 0);
	put_number(box, 1);
	mailbox_stop(box, 0, true);
	struct mail *mail = mailbox_take_all(box);
	assert_non_null(mail);
	assert_null(mail->next);
	mail_free(mail);
	assert_true(mailbox_take_stop(box, &order));
	mailbox_free(box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stop_wakes_its_reader_once),
		cmocka_unit_test(unread_stops_become_one),
		cmocka_unit_test(a_stop_comes_after_earlier_mail),
		cmocka_unit_test(keeps_order_and_wakes_its_reader),
		cmocka_unit_test(mail_frees_what_it_owns),
		cmocka_unit_test(nothing_is_lost_between_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
