// SPDX-License-Identifier: BSD-2-Clause
/* A mail is as large as its kind needs, and keeps its names itself. */
#include "user/mail/mail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void names_are_copied(void **state)
{
	char name[] = "private-1", domain[] = "a.example";
	struct mail *mail = mail_new_named(MAIL_NOTICE, name, domain);

	(void)state;
	name[0] = domain[0] = '?';
	assert_string_equal(mail->u.notice.operator, "private-1");
	assert_string_equal(mail->u.notice.domain, "a.example");
	mail_free(mail);
	mail = mail_new_named(MAIL_PARKED, "public-1", "");
	assert_string_equal(mail->u.parked.operator, "public-1");
	assert_string_equal(mail->u.parked.domain, "");
	mail_free(mail);
	mail = mail_new_named(MAIL_DIAL, "public-1", "b.example");
	assert_string_equal(mail->u.dial.operator, "public-1");
	assert_string_equal(mail->u.dial.domain, "b.example");
	mail_free(mail);
}

/* Every kind that has one. */
static void a_name_alone(void **state)
{
	struct mail *shown = mail_new_named(MAIL_TOKEN_SHOWN, "one", "");
	struct mail *reservation = mail_new_named(MAIL_RESERVATION, "two", "");
	struct mail *park = mail_new_named(MAIL_PARK, "three", "");
	struct mail *borrow = mail_new_named(MAIL_BORROW, "four", "d");

	(void)state;
	assert_string_equal(shown->u.shown.operator, "one");
	assert_string_equal(reservation->u.reservation.operator, "two");
	assert_string_equal(park->u.park.operator, "three");
	assert_string_equal(borrow->u.notice.operator, "four");
	mail_free(shown);
	mail_free(reservation);
	mail_free(park);
	mail_free(borrow);
}

/* What each connection causes is small; only addresses make a mail large. */
static void sizes(void **state)
{
	(void)state;
	for (int type = 0; type < MAIL_TYPES; type++) {
		uint32_t size = mail_size((enum mail_type)type);

		assert_true(size > offsetof(struct mail, u));
		if (type != MAIL_DIAL && type != MAIL_PARK && type != MAIL_INSIDE &&
		    type != MAIL_NOTICE_REFUSED)
			assert_true(size <= 96);
		struct mail *mail = mail_new((enum mail_type)type);
		assert_int_equal(mail->type, type);
		assert_true(mail->size >= size && mail->size <= size + 2);
		mail_free(mail);
	}
	struct mail *notice = mail_new_named(MAIL_NOTICE, "private-1.example", "www.example.org");
	assert_true(notice->size <= 128);
	mail_free(notice);
}

static void an_answer_in_place_of_its_question(void **state)
{
	struct mail *mail = mail_new_named(MAIL_PARK, "public-1", "");

	(void)state;
	memset(mail->u.park.token, 0xff, TOKEN_BYTES);
	mail_turn(mail, MAIL_PARKED);
	assert_int_equal(mail->type, MAIL_PARKED);
	assert_string_equal(mail->u.parked.operator, "public-1");
	assert_string_equal(mail->u.parked.domain, "");
	assert_int_equal(mail->u.parked.condition, 0);
	assert_int_equal(mail->u.parked.connection, 0);
	mail_free(mail);
	mail = mail_new_named(MAIL_BORROW, "private-1", "a.example");
	mail_turn(mail, MAIL_LENT);
	assert_int_equal(mail->u.dialled_back.fd, -1);
	for (int i = 0; i < TOKEN_BYTES; i++)
		assert_int_equal(mail->u.dialled_back.token[i], 0);
	mail_free(mail);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_copied),
		cmocka_unit_test(a_name_alone),
		cmocka_unit_test(sizes),
		cmocka_unit_test(an_answer_in_place_of_its_question),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
