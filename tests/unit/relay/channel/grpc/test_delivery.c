// SPDX-License-Identifier: BSD-2-Clause
/* Queueing of messages on streams, with a broker and calls that only pretend. */
#include "relay/channel/grpc/delivery.h"

#include "relay/bus/broker.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TIMEOUT_MS 100
#define SENT_MAX   64

struct broker {
	struct event_base *base;
};

struct grpc_call {
	char ids[SENT_MAX][32];
	size_t n_sent;
	int answer; /* of grpc_call_send() */
	bool aborted;
	struct grpc_stream **stream;
};

struct outcome {
	int n, r;
	long long value;
	char text[128];
};

static struct broker broker;

struct event_base *broker_loop(struct broker *b)
{
	return b->base;
}

const char *broker_name(const struct broker *b)
{
	(void)b;
	return "self";
}

unsigned broker_timeout_ms(const struct broker *b)
{
	(void)b;
	return TIMEOUT_MS;
}

int grpc_call_send(struct grpc_call *call, const uint8_t *data, size_t length)
{
	struct grpc_request request;

	if (call->answer < 0)
		return call->answer;
	assert_int_equal(grpc_request_decode(data, length, &request), 0);
	assert_true(call->n_sent < SENT_MAX);
	snprintf(call->ids[call->n_sent++], sizeof(call->ids[0]), "%s", request.id);
	assert_string_equal(request.method, "peer.echo");
	grpc_request_clear(&request);
	return 0;
}

void grpc_call_abort(struct grpc_call *call, int status, const char *text)
{
	(void)status;
	(void)text;
	call->aborted = true;
	grpc_delivery_remove(*call->stream);
	*call->stream = NULL;
}

static void on_done(int r, json_t *result, const struct jsonrpc_error *error, void *arg)
{
	struct outcome *outcome = arg;

	outcome->n++;
	outcome->r = r;
	outcome->value = json_integer_value(result);
	snprintf(outcome->text, sizeof(outcome->text), "%s", error ? error->message : "");
	assert_true(r == 0 || error);
}

static struct grpc_delivery *start(void)
{
	struct grpc_delivery *delivery;

	broker.base = event_base_new();
	assert_int_equal(grpc_delivery_new(&broker, &delivery), 0);
	return delivery;
}

static void stop(struct grpc_delivery *delivery)
{
	grpc_delivery_free(delivery);
	event_base_free(broker.base);
}

static void turn(unsigned ms)
{
	const struct timeval slice = {0, (suseconds_t)ms * 1000};

	event_base_loopexit(broker.base, &slice);
	event_base_dispatch(broker.base);
}

static void send_id(struct grpc_delivery *delivery, const char *id, struct outcome *outcome)
{
	json_t *params = json_object();
	const struct message message = {.sender = "self",
					.recipient = "peer",
					.method = "echo",
					.id = id,
					.params = params};

	grpc_delivery_send(delivery, &message, on_done, outcome);
	json_decref(params);
}

static void answer(struct grpc_stream *stream, const char *id, int value)
{
	struct grpc_response response = {.id = (char *)id,
					 .result = json_pack("{s:i}", "_", value)};

	grpc_delivery_answer(stream, &response);
	json_decref(response.result);
}

static void test_nobody(void **state)
{
	struct grpc_delivery *delivery = start();
	struct outcome outcome = {0};

	(void)state;
	assert_false(grpc_delivery_can(delivery, "peer"));
	send_id(delivery, "a", &outcome);
	assert_int_equal(outcome.n, 1);
	assert_int_equal(outcome.r, -ENOTCONN);
	stop(delivery);
}

static void test_one_at_a_time(void **state)
{
	struct grpc_delivery *delivery = start();
	struct outcome a = {0}, b = {0};
	struct grpc_call call = {0};
	struct grpc_stream *stream;

	(void)state;
	assert_int_equal(grpc_delivery_add(delivery, "peer", &call, 1, &stream), 0);
	assert_true(grpc_delivery_can(delivery, "peer"));
	assert_false(grpc_delivery_can(delivery, "other"));
	send_id(delivery, "a", &a);
	send_id(delivery, "b", &b);
	assert_int_equal(call.n_sent, 1);
	answer(stream, "b", 7); /* not asked yet */
	assert_int_equal(b.n, 0);
	answer(stream, "a", 1);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.value, 1);
	assert_int_equal(call.n_sent, 2);
	answer(stream, "a", 9); /* answered already */
	answer(stream, "b", 2);
	assert_int_equal(b.value, 2);
	assert_int_equal(a.n + b.n, 2);
	grpc_delivery_remove(stream);
	assert_false(grpc_delivery_can(delivery, "peer"));
	stop(delivery);
}

/* Two senders may choose the same id: none gets the other's answer. */
static void test_same_id(void **state)
{
	struct grpc_delivery *delivery = start();
	struct outcome a = {0}, b = {0}, c = {0};
	struct grpc_call call = {0};
	struct grpc_stream *stream;

	(void)state;
	assert_int_equal(grpc_delivery_add(delivery, "peer", &call, 8, &stream), 0);
	send_id(delivery, "x", &a);
	send_id(delivery, "x", &b);
	send_id(delivery, "y", &c);
	assert_int_equal(call.n_sent, 2);
	assert_string_equal(call.ids[1], "y");
	answer(stream, "x", 1);
	assert_int_equal(call.n_sent, 3);
	assert_int_equal(a.value, 1);
	assert_int_equal(b.n, 0);
	answer(stream, "x", 2);
	assert_int_equal(b.value, 2);
	answer(stream, "y", 3);
	grpc_delivery_remove(stream);
	stop(delivery);
}

static void test_stream_ends(void **state)
{
	struct grpc_delivery *delivery = start();
	struct outcome a = {0}, b = {0}, c = {0};
	struct grpc_call first = {0}, second = {0};
	struct grpc_stream *one, *two;

	(void)state;
	assert_int_equal(grpc_delivery_add(delivery, "peer", &first, 1, &one), 0);
	send_id(delivery, "a", &a);
	send_id(delivery, "b", &b);
	assert_int_equal(grpc_delivery_add(delivery, "peer", &second, 1, &two), 0);
	assert_int_equal(second.n_sent, 1); /* what waited */
	send_id(delivery, "c", &c);
	grpc_delivery_remove(one);
	assert_int_equal(a.r, -ECONNRESET);
	assert_int_equal(c.n, 0); /* waits for the other */
	grpc_delivery_remove(two);
	assert_int_equal(b.r, -ECONNRESET);
	assert_int_equal(c.r, -ECONNRESET);
	assert_int_equal(a.n + b.n + c.n, 3);
	stop(delivery);
}

/* A stream for one request that never answers is ended; the sender is told once, and earlier. */
static void test_no_answer(void **state)
{
	struct grpc_delivery *delivery = start();
	struct outcome a = {0}, b = {0};
	struct grpc_call call = {0};
	struct grpc_stream *stream;

	(void)state;
	call.stream = &stream;
	assert_int_equal(grpc_delivery_add(delivery, "peer", &call, 1, &stream), 0);
	send_id(delivery, "a", &a);
	send_id(delivery, "b", &b);
	turn(TIMEOUT_MS + 40);
	assert_int_equal(a.r, -ETIMEDOUT);
	assert_int_equal(b.r, -ETIMEDOUT);
	assert_int_equal(call.n_sent, 1);
	assert_false(call.aborted);
	turn(TIMEOUT_MS + 40);
	assert_true(call.aborted);
	assert_int_equal(a.n + b.n, 2);
	stop(delivery);
}

static void test_late_answer(void **state)
{
	struct grpc_delivery *delivery = start();
	struct outcome a = {0}, b = {0}, c = {0};
	struct grpc_call call = {0};
	struct grpc_stream *stream;

	(void)state;
	call.stream = &stream;
	assert_int_equal(grpc_delivery_add(delivery, "peer", &call, 2, &stream), 0);
	send_id(delivery, "a", &a);
	turn(TIMEOUT_MS + 40);
	assert_int_equal(a.r, -ETIMEDOUT);
	send_id(delivery, "a", &b); /* its answer would be taken for this one's */
	send_id(delivery, "c", &c);
	assert_int_equal(call.n_sent, 2);
	answer(stream, "a", 1);
	assert_int_equal(call.n_sent, 3);
	assert_int_equal(b.n, 0);
	answer(stream, "a", 2);
	answer(stream, "c", 3);
	assert_int_equal(b.value, 2);
	assert_int_equal(c.value, 3);
	assert_int_equal(a.n, 1);
	grpc_delivery_remove(stream);
	stop(delivery);
}

static void test_limits(void **state)
{
	struct grpc_delivery *delivery = start();
	struct outcome waiting = {0}, more = {0}, full = {0};
	struct grpc_call call = {0};
	struct grpc_stream *stream;
	char id[16];

	(void)state;
	assert_int_equal(grpc_delivery_add(delivery, "peer", &call, 1, &stream), 0);
	for (int i = 0; i <= GRPC_WAITING_MAX; i++) {
		snprintf(id, sizeof(id), "%d", i);
		send_id(delivery, id, &waiting);
	}
	assert_int_equal(waiting.n, 0);
	send_id(delivery, "more", &more);
	assert_int_equal(more.r, -EBUSY);
	grpc_delivery_remove(stream);
	assert_int_equal(waiting.n, GRPC_WAITING_MAX + 1);

	call.answer = -ENOBUFS;
	assert_int_equal(grpc_delivery_add(delivery, "peer", &call, 1, &stream), 0);
	send_id(delivery, "full", &full);
	assert_int_equal(full.r, -ENOBUFS);
	grpc_delivery_remove(stream);
	stop(delivery);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody),    cmocka_unit_test(test_one_at_a_time),
		cmocka_unit_test(test_same_id),   cmocka_unit_test(test_stream_ends),
		cmocka_unit_test(test_no_answer), cmocka_unit_test(test_late_answer),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
