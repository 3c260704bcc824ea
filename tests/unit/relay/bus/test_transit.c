// SPDX-License-Identifier: BSD-2-Clause
#include "relay/bus/transit.h"

#include "common/base/log.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MAX        8
#define PER_SENDER 2
#define TIMEOUT_MS 10 /* and half a second for the channel to say it better */

struct outcome {
	unsigned n;
	int r, code;
	char text[128];
};

static struct transits transits;
static struct event_base *base;

static void on_done(int r, json_t *result, const struct jsonrpc_error *error, void *arg)
{
	struct outcome *outcome = arg;

	(void)result;
	outcome->n++;
	outcome->r = r;
	outcome->code = error ? error->code : 0;
	snprintf(outcome->text, sizeof(outcome->text), "%s", error ? error->message : "");
}

static int begin(const char *sender, const char *id, struct outcome *outcome, struct transit **ret)
{
	return transit_begin(&transits, sender, "to", "method", id, json_object(), on_done, outcome,
			     ret);
}

static int setup(void **state)
{
	(void)state;
	log_setup("test", LOG_ERROR, LOG_FORMAT_PLAIN);
	base = event_base_new();
	transits_init(&transits, base, MAX, TIMEOUT_MS);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	transits_done(&transits);
	event_base_free(base);
	return 0;
}

static void test_begin_and_end(void **state)
{
	struct outcome outcome = {0};
	struct transit *transit;

	(void)state;
	assert_false(transits_has(&transits, "a", "to.method(1)"));
	assert_int_equal(begin("a", "to.method(1)", &outcome, &transit), 0);
	assert_true(transits_has(&transits, "a", "to.method(1)"));
	assert_false(transits_has(&transits, "b", "to.method(1)"));
	assert_false(transits_has(&transits, "a", "to.method(2)"));
	const struct message *message = transit_message(transit);
	assert_string_equal(message->sender, "a");
	assert_string_equal(message->recipient, "to");
	assert_string_equal(message->method, "method");
	assert_string_equal(message->id, "to.method(1)");
	transit_end(0, NULL, NULL, transit);
	assert_int_equal(outcome.n, 1);
	assert_int_equal(outcome.r, 0);
	assert_false(transits_has(&transits, "a", "to.method(1)"));
}

/* Sender and id are two things: where one ends and the other begins is no matter of a separator. */
static void test_keys(void **state)
{
	struct outcome outcome = {0};
	struct transit *first, *second;

	(void)state;
	assert_int_equal(begin("a b", "c", &outcome, &first), 0);
	assert_int_equal(begin("a", "b c", &outcome, &second), 0);
	assert_int_equal(begin("a", "b c", &outcome, &second), -EEXIST);
	transit_end(0, NULL, NULL, first);
	transit_end(0, NULL, NULL, second);
}

/* A sender who has nothing under way takes no memory, whatever ended or was refused. */
static void test_limits(void **state)
{
	struct transit *taken[MAX], *refused = NULL;
	struct outcome outcome = {0};
	char id[32], sender[32];
	size_t n = 0;

	(void)state;
	for (int i = 0; i < PER_SENDER; i++) {
		snprintf(id, sizeof(id), "%d", i);
		assert_int_equal(begin("a", id, &outcome, &taken[n++]), 0);
	}
	assert_int_equal(begin("a", "more", &outcome, &refused), -EBUSY);
	while (n < MAX) {
		snprintf(sender, sizeof(sender), "s%zu", n);
		assert_int_equal(begin(sender, "1", &outcome, &taken[n++]), 0);
	}
	assert_int_equal(begin("late", "1", &outcome, &refused), -EBUSY);
	assert_null(refused);
	assert_int_equal(transits.senders.n, 1 + MAX - PER_SENDER);
	while (n > 0)
		transit_end(0, NULL, NULL, taken[--n]);
	assert_int_equal(transits.senders.n, 0);
	assert_int_equal(transits.by_id.n, 0);
	assert_int_equal(transits.count, 0);
}

static void test_id_is_utf8(void **state)
{
	struct outcome outcome = {0};
	struct transit *transit;

	(void)state;
	assert_int_equal(begin("a", "to.method(\xff)", &outcome, &transit), -EINVAL);
	assert_int_equal(begin("a", "to.method(\xc3\xb6)", &outcome, &transit), 0);
	transit_end(0, NULL, NULL, transit);
	assert_int_equal(transits.senders.n, 0);
}

/* The sender hears of it once; the channel may still let go of the message later. */
static void test_deadline(void **state)
{
	const struct timeval limit = {5, 0};
	struct outcome outcome = {0};
	struct transit *transit;

	(void)state;
	assert_int_equal(begin("a", "1", &outcome, &transit), 0);
	transit_set_channel(transit, 2);
	event_base_loopexit(base, &limit);
	while (outcome.n == 0 && event_base_loop(base, EVLOOP_ONCE) == 0 &&
	       !event_base_got_exit(base))
		;
	assert_int_equal(outcome.n, 1);
	assert_int_equal(outcome.r, -ETIMEDOUT);
	assert_int_equal(outcome.code, 500);
	assert_string_equal(outcome.text, "Channel 2 encountered an error delivering the message: "
					  "no answer in time");
	transit_end(0, NULL, NULL, transit);
	assert_int_equal(outcome.n, 1);
	assert_int_equal(transits.count, 0);
}

static void test_cancel(void **state)
{
	struct outcome outcomes[3] = {0};
	struct transit *taken[3];
	char id[8];

	(void)state;
	for (int i = 0; i < 3; i++) {
		snprintf(id, sizeof(id), "%d", i);
		assert_int_equal(begin(i < 2 ? "a" : "b", id, &outcomes[i], &taken[i]), 0);
	}
	transits_cancel(&transits);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(outcomes[i].n, 1);
		assert_int_equal(outcomes[i].r, -ECANCELED);
	}
	/* One channel lets go, the others' messages are freed with the whole. */
	transit_end(0, NULL, NULL, taken[1]);
	assert_int_equal(outcomes[1].n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_begin_and_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_id_is_utf8, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deadline, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
