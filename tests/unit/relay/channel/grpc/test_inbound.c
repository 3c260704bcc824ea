// SPDX-License-Identifier: BSD-2-Clause
#include "relay/channel/grpc/inbound.h"

#include "common/base/cleanup.h"
#include "common/base/log.h"
#include "tests/unit/relay/directory/fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define OWN "public.ga"

/* A channel that holds the message for the own operator. */
struct fake {
	struct channel channel;
	message_done done;
	void *arg;
};

static struct event_base *base;
static struct broker *broker;
static json_t *settings;
static struct fake fake;
static unsigned answered;
static struct grpc_response response;

static bool can_deliver(struct channel *channel, const char *name)
{
	(void)channel;
	return strcmp(name, OWN) == 0;
}

static void deliver(struct channel *channel, const struct message *message, message_done done,
		    void *arg)
{
	(void)channel;
	(void)message;
	fake.done = done;
	fake.arg = arg;
}

static void release(struct channel *channel)
{
	(void)channel;
}

static const struct channel_ops ops = {"fake", can_deliver, deliver, NULL, release};

static void on_answer(const uint8_t *data, size_t length, void *arg)
{
	assert_ptr_equal(arg, &answered);
	answered++;
	grpc_response_clear(&response);
	assert_int_equal(grpc_response_decode(data, length, &response), 0);
}

static int setup(void **state)
{
	struct broker_config config = {0};

	(void)state;
	log_setup("test", LOG_ERROR, LOG_FORMAT_PLAIN);
	base = config.base = event_base_new();
	settings = json_pack("{s:s}", "name", OWN);
	config.settings = settings;
	assert_int_equal(broker_new(&config, &broker), 0);
	broker_set_directory(broker, fixture_directory());
	fake = (struct fake){.channel = {&ops, broker}};
	answered = 0;
	return broker_add_channel(broker, &fake.channel);
}

static int teardown(void **state)
{
	(void)state;
	broker_free(broker);
	event_base_free(base);
	json_decref(settings);
	grpc_response_clear(&response);
	return 0;
}

static int submit(const char *sender, const char *method, const char *id, struct grpc_inbound **ret)
{
	AUTO_JSON json_t *params = json_object();
	const struct grpc_request request = {(char *)method, (char *)id, (char *)"", params};

	return grpc_inbound_submit(broker, sender, &request, on_answer, &answered, ret);
}

static void test_answer_before_return(void **state)
{
	struct grpc_inbound *inbound = NULL;

	(void)state;
	assert_int_equal(submit("third", OWN "._ping", OWN "._ping(1)", &inbound), 0);
	assert_int_equal(answered, 1);
	assert_string_equal(response.id, OWN "._ping(1)");
	assert_false(response.has_error);
	assert_non_null(json_object_get(response.result, "version"));
}

static void test_refusal_is_an_answer(void **state)
{
	struct grpc_inbound *inbound = NULL;

	(void)state;
	assert_int_equal(submit("third", OWN ".nope", OWN ".nope(1)", &inbound), 0);
	assert_int_equal(answered, 1);
	assert_true(response.has_error);
	assert_int_equal(response.error.code, 403);
}

static void test_no_address(void **state)
{
	struct grpc_inbound *inbound = NULL;

	(void)state;
	assert_int_equal(submit("third", OWN "._ping", "garbage", &inbound), -EINVAL);
	assert_int_equal(answered, 0);
	assert_null(inbound);
}

static void test_answer_later(void **state)
{
	AUTO_JSON json_t *list = json_pack("[i]", 7);
	struct grpc_inbound *inbound = NULL;

	(void)state;
	assert_int_equal(submit("third", OWN ".open", OWN ".open(1)", &inbound), 0);
	assert_int_equal(answered, 0);
	assert_non_null(fake.done);
	fake.done(0, list, NULL, fake.arg);
	assert_int_equal(answered, 1);
	/* What is no object is wrapped on the way. */
	assert_true(json_equal(json_object_get(response.result, "_"), list));
}

/* An answer that cannot cross is one that says so. */
static void test_answer_that_cannot_cross(void **state)
{
	AUTO_JSON json_t *large = json_pack("{s:I}", "n", (json_int_t)1 << 60);
	struct grpc_inbound *inbound = NULL;

	(void)state;
	assert_int_equal(submit("third", OWN ".open", OWN ".open(1)", &inbound), 0);
	fake.done(0, large, NULL, fake.arg);
	assert_int_equal(answered, 1);
	assert_int_equal(response.error.code, JSONRPC_INTERNAL_ERROR);
	assert_non_null(strstr(response.error.message, "beyond 2^53"));
}

static void test_abandoned(void **state)
{
	struct grpc_inbound *inbound = NULL;

	(void)state;
	assert_int_equal(submit("third", OWN ".open", OWN ".open(1)", &inbound), 0);
	grpc_inbound_abandon(inbound);
	fake.done(0, json_null(), NULL, fake.arg);
	assert_int_equal(answered, 0);
	grpc_inbound_abandon(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answer_before_return, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refusal_is_an_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_address, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answer_later, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answer_that_cannot_cross, setup, teardown),
		cmocka_unit_test_setup_teardown(test_abandoned, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
