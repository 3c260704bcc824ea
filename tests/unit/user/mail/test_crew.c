// SPDX-License-Identifier: BSD-2-Clause
/* Mail to workers, and what has to reach them without any memory. */
#include "user/mail/crew.h"
#include "user/mail/config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct mailbox *boxes[3];
static struct crew crew;
static unsigned allocations_left = UINT32_MAX;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
	return allocations_left > 0 && allocations_left-- ? __real_calloc(n, size) : NULL;
}

static int set_up(void **state)
{
	(void)state;
	allocations_left = UINT32_MAX;
	for (int i = 0; i < 3; i++)
		assert_int_equal(mailbox_new(&boxes[i]), 0);
	crew = (struct crew){.boxes = boxes, .n = 3};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		mailbox_free(boxes[i]);
	return 0;
}

static bool has_mail(unsigned i)
{
	struct mail *mail = mailbox_take_all(boxes[i]);
	bool has = mail;

	mail_free(mail);
	return has;
}

static void in_turn(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		crew_mail_next(&crew, mail_new(MAIL_INSIDE));
		assert_true(has_mail((i + 1) % 3));
		assert_false(has_mail(i % 3));
	}
	crew_mail(&crew, 3, mail_new(MAIL_INSIDE)); /* nobody: freed */
	crew.n = 0;
	crew_mail_next(&crew, mail_new(MAIL_INSIDE));
	for (unsigned i = 0; i < 3; i++)
		assert_false(has_mail(i));
}

static void a_stop_without_memory(void **state)
{
	struct stop_order order;

	(void)state;
	allocations_left = 0;
	assert_null(mail_new(MAIL_INSIDE));
	crew_stop(&crew, 70, true);
	for (unsigned i = 0; i < 3; i++) {
		assert_null(mailbox_take_all(boxes[i]));
		assert_true(mailbox_take_stop(boxes[i], &order));
		assert_int_equal(order.grace_ms, 70);
		assert_true(order.dismissed);
	}
}

/* Without memory for all of them no worker has another config than the next. */
static void a_config_for_all_or_none(void **state)
{
	struct config *config = calloc(1, sizeof(*config));

	(void)state;
	atomic_init(&config->references, 1);
	allocations_left = 2;
	assert_int_equal(crew_configure(&crew, config), -ENOMEM);
	for (unsigned i = 0; i < 3; i++)
		assert_false(has_mail(i));
	assert_int_equal(atomic_load(&config->references), 1);
	allocations_left = UINT32_MAX;
	assert_int_equal(crew_configure(&crew, config), 0);
	assert_int_equal(atomic_load(&config->references), 4);
	for (unsigned i = 0; i < 3; i++) {
		struct mail *mail = mailbox_take_all(boxes[i]);

		assert_int_equal(mail->type, MAIL_CONFIG);
		assert_ptr_equal(mail->u.config, config);
		assert_null(mail->next);
		mail_free(mail);
	}
	assert_int_equal(atomic_load(&config->references), 1);
	config_unref(config);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(in_turn, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_stop_without_memory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_config_for_all_or_none, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
