// SPDX-License-Identifier: BSD-2-Clause
/* The broker between fake channels. */
#include "common/base/cleanup.h"
#include "common/base/log.h"
#include "relay/bus/broker.h"
#include "tests/unit/relay/directory/fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define OWN "public.ga"

/* A channel that reaches one operator, and holds each message until it is told to answer. */
struct fake {
	struct channel channel;
	const char *reaches;
	const struct message *held;
	message_done done;
	void *arg;
	unsigned delivered, changed;
};

struct answer {
	unsigned count;
	int r, code;
	char message[256];
	json_t *result;
};

static struct event_base *base;
static struct broker *broker;
static struct fake fakes[2];
static json_t *settings;

static bool can_deliver(struct channel *channel, const char *name)
{
	return strcmp(((struct fake *)channel)->reaches, name) == 0;
}

static void deliver(struct channel *channel, const struct message *message, message_done done,
		    void *arg)
{
	struct fake *fake = (struct fake *)channel;

	fake->held = message;
	fake->done = done;
	fake->arg = arg;
	fake->delivered++;
}

static void directory_changed(struct channel *channel)
{
	((struct fake *)channel)->changed++;
}

static void release(struct channel *channel)
{
	memset(channel, 0, sizeof(*channel));
}

static const struct channel_ops ops = {"fake", can_deliver, deliver, directory_changed, release};

static void on_done(int r, json_t *result, const struct jsonrpc_error *error, void *arg)
{
	struct answer *answer = arg;

	answer->count++;
	answer->r = r;
	answer->result = json_incref(result);
	answer->code = error ? error->code : 0;
	snprintf(answer->message, sizeof(answer->message), "%s",
		 error && error->message ? error->message : "");
}

static int setup(void **state)
{
	struct broker_config config = {0};

	(void)state;
	base = event_base_new();
	settings = json_pack("{s:s, s:i, s:{s:i}}", "name", OWN, "timeout", 100, "limits",
			     "messages", 8);
	config.base = base;
	config.settings = settings;
	assert_int_equal(broker_new(&config, &broker), 0);
	broker_set_directory(broker, fixture_directory());
	memset(fakes, 0, sizeof(fakes));
	fakes[0].reaches = OWN;
	fakes[1].reaches = "private.ga";
	for (size_t i = 0; i < 2; i++) {
		fakes[i].channel = (struct channel){&ops, broker};
		assert_int_equal(broker_add_channel(broker, &fakes[i].channel), 0);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	broker_free(broker);
	event_base_free(base);
	json_decref(settings);
	return 0;
}

static void submit(const char *sender, const char *method, const char *id, struct answer *answer)
{
	AUTO_JSON json_t *params =
		json_pack("{s:s, s:{s:s}}", "domain", "a.example", "_client", "name", "admin");

	broker_submit(broker, sender, method, id, NULL, params, on_done, answer);
}

static struct answer refused(const char *sender, const char *method, const char *id, int code)
{
	struct answer answer = {0};

	submit(sender, method, id, &answer);
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.r, -EPROTO);
	assert_null(answer.result);
	if (answer.code != code)
		fail_msg("%s %s %s: %d %s", sender, method, id ? id : "", answer.code,
			 answer.message);
	assert_int_equal(fakes[0].delivered + fakes[1].delivered, 0);
	return answer;
}

static void test_delivers_with_client(void **state)
{
	AUTO_JSON json_t *list = json_pack("[n,b]", 1);
	struct answer answer = {0};

	(void)state;
	submit("private.ga", OWN ".announceConnections", OWN ".announceConnections(7)", &answer);
	assert_int_equal(fakes[0].delivered, 1);
	const struct message *message = fakes[0].held;
	assert_string_equal(message->sender, "private.ga");
	assert_string_equal(message->recipient, OWN);
	assert_string_equal(message->method, "announceConnections");
	assert_string_equal(message->id, OWN ".announceConnections(7)");
	assert_string_equal(json_string_value(json_object_get(message->params, "domain")),
			    "a.example");
	/* Whoever the sender says that he is. */
	const json_t *client = json_object_get(message->params, "_client");
	assert_string_equal(json_string_value(json_object_get(client, "name")), "private.ga");
	const json_t *entry = json_object_get(client, "entry");
	assert_int_equal(json_array_size(json_object_get(entry, "groups")), 2);
	assert_null(json_object_get(entry, "records"));
	assert_int_equal(answer.count, 0);
	fakes[0].done(0, list, NULL, fakes[0].arg);
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.r, 0);
	assert_true(json_equal(answer.result, list));
	json_decref(answer.result);
}

static void test_the_bypass(void **state)
{
	(void)state;
	/* What the id allows is not what would be executed, and the other way round. */
	refused("private.ga", OWN ".nope", OWN ".announceConnections(5)", 400);
	refused("private.ga", OWN ".announceConnections", OWN ".nope(5)", 400);
	refused("private.ga", "private.ga.getAnnouncements", OWN ".announceConnections(5)", 400);
	refused("private.ga", OWN ".announceConnections", "third.announceConnections(5)", 400);
}

static void test_third_operator(void **state)
{
	(void)state;
	refused("third", "private.ga.incomingConnection", "private.ga.incomingConnection(1)", 400);
	refused("private.ga", "private.ga.incomingConnection", "private.ga.incomingConnection(1)",
		400);
	refused("third", "nobody.m", "nobody.m(1)", 400);
}

static void test_permission(void **state)
{
	struct answer answer = refused("third", OWN ".nope", OWN ".nope(3)", 403);

	(void)state;
	assert_string_equal(answer.message,
			    "Permission denied for method 'nope' and client 'third'");
	refused("nobody", OWN ".open", OWN ".open(3)", 1);
	/* A local request to somebody who would refuse it. */
	refused(OWN, "private.ga.nope", NULL, 403);
}

static void test_addresses(void **state)
{
	struct answer answer = refused(OWN, "nobody.m", NULL, 1);

	(void)state;
	assert_string_equal(answer.message, "error retrieving directory entry for recipient "
					    "'nobody': no directory entry found");
	answer = refused("private.ga", OWN ".announceConnections", "garbage", 1);
	assert_string_equal(answer.message, "error parsing address: invalid ID format");
	refused("private.ga", "announceConnections", OWN ".announceConnections(1)", 400);
	refused("private.ga", OWN ".announceConnections", OWN ".announceConnections(\xff)", 1);
}

static void test_local_ids(void **state)
{
	AUTO_JSON json_t *params = json_object();
	struct answer one = {0}, two = {0}, bad = {0};

	(void)state;
	broker_submit(broker, OWN, OWN ".m", NULL, "n:5", params, on_done, &one);
	assert_string_equal(fakes[0].held->id, OWN ".m(n:5)");
	void *first = fakes[0].arg;
	/* Another local client with the same id is no duplicate. */
	broker_submit(broker, OWN, OWN ".m", NULL, "n:5", params, on_done, &two);
	assert_int_equal(fakes[0].delivered, 2);
	assert_string_not_equal(fakes[0].held->id, OWN ".m(n:5)");
	fakes[0].done(0, NULL, NULL, fakes[0].arg);
	fakes[0].done(0, NULL, NULL, first);
	assert_true(one.count == 1 && two.count == 1 && json_is_null(one.result));
	broker_submit(broker, OWN, OWN ".m", NULL, "a)b", params, on_done, &bad);
	assert_int_equal(bad.code, 400);
}

static void test_duplicates(void **state)
{
	struct answer first = {0}, same = {0}, other = {0}, again = {0};

	(void)state;
	submit("private.ga", OWN ".open", OWN ".open(1)", &first);
	void *held = fakes[0].arg;
	submit("private.ga", OWN ".open", OWN ".open(1)", &same);
	assert_int_equal(same.code, 1);
	/* The id that one sender uses is nothing to another. */
	submit("third", OWN ".open", OWN ".open(1)", &other);
	assert_int_equal(fakes[0].delivered, 2);
	fakes[0].done(0, NULL, NULL, fakes[0].arg);
	fakes[0].done(0, NULL, NULL, held);
	assert_true(first.count == 1 && other.count == 1);
	submit("private.ga", OWN ".open", OWN ".open(1)", &again);
	assert_int_equal(fakes[0].delivered, 3);
	fakes[0].done(0, NULL, NULL, fakes[0].arg);
}

static void test_limits(void **state)
{
	struct answer answers[12] = {0};
	unsigned busy = 0;
	char id[64];

	(void)state;
	for (int i = 0; i < 12; i++) {
		snprintf(id, sizeof(id), OWN ".open(%d)", i);
		submit(i < 4   ? "third"
		       : i < 8 ? "private.ga"
			       : "admin",
		       OWN ".open", id, &answers[i]);
		busy += answers[i].count;
	}
	/* Eight in all, of which a fourth for each. */
	assert_int_equal(fakes[0].delivered, 6);
	assert_int_equal(busy, 6);
	assert_int_equal(answers[2].code, 1);
	broker_stop(broker);
	for (int i = 0; i < 12; i++)
		assert_int_equal(answers[i].count, 1);
}

static void test_deadline(void **state)
{
	struct answer answer = {0}, same = {0};

	(void)state;
	submit("private.ga", OWN ".open", OWN ".open(1)", &answer);
	event_base_dispatch(base);
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.r, -ETIMEDOUT);
	assert_int_equal(answer.code, 500);
	/* The channel still holds it. */
	submit("private.ga", OWN ".open", OWN ".open(1)", &same);
	assert_int_equal(same.code, 1);
	assert_string_equal(fakes[0].held->id, OWN ".open(1)");
	fakes[0].done(0, NULL, NULL, fakes[0].arg);
	assert_int_equal(answer.count, 1);
}

static void test_failures(void **state)
{
	struct jsonrpc_error error = {0};
	struct answer answer = {0}, none = {0};

	(void)state;
	submit(OWN, "private.ga.incomingConnection", NULL, &answer);
	assert_int_equal(fakes[1].delivered, 1);
	jsonrpc_error_set(&error, 409, NULL, "already taken");
	fakes[1].done(-EPROTO, NULL, &error, fakes[1].arg);
	assert_int_equal(answer.code, 409);
	assert_string_equal(answer.message, "already taken");

	submit(OWN, "private.ga.incomingConnection", NULL, &answer);
	jsonrpc_error_set(&error, 7, NULL, "refused by the wall");
	fakes[1].done(-ECONNREFUSED, NULL, &error, fakes[1].arg);
	assert_int_equal(answer.code, 500);
	assert_string_equal(answer.message, "Channel 2 encountered an error delivering the "
					    "message: refused by the wall");
	jsonrpc_error_clear(&error);

	fakes[1].reaches = "elsewhere";
	submit(OWN, "private.ga.incomingConnection", NULL, &none);
	assert_int_equal(none.code, 1);
	assert_non_null(strstr(none.message, "private.ga"));
}

static void test_builtins(void **state)
{
	AUTO_JSON json_t *params = json_pack("{s:s}", "group", "users");
	AUTO_JSON json_t *bad = json_pack("{s:[i]}", "channels", 1);
	AUTO_JSON json_t *unknown = json_pack("{s:s}", "grup", "users");
	struct answer ping = {0}, list = {0}, invalid = {0}, request = {0};

	(void)state;
	submit("third", OWN "._ping", OWN "._ping(1)", &ping);
	assert_int_equal(ping.r, 0);
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(ping.result, "serverInfo"), "name")),
			    OWN);
	assert_non_null(json_object_get(json_object_get(ping.result, "params"), "domain"));
	assert_null(json_object_get(json_object_get(ping.result, "params"), "_client"));
	assert_non_null(json_object_get(ping.result, "timestamp"));
	json_decref(ping.result);

	broker_submit(broker, OWN, OWN "._directory", NULL, NULL, params, on_done, &list);
	assert_int_equal(list.r, 0);
	const json_t *entries = json_object_get(list.result, "entries");
	assert_int_equal(json_array_size(entries), 1);
	json_decref(list.result);
	broker_submit(broker, "third", OWN "._directory", NULL, NULL, bad, on_done, &invalid);
	assert_int_equal(invalid.code, -32602);
	broker_submit(broker, "third", OWN "._directory", NULL, NULL, unknown, on_done, &invalid);
	assert_int_equal(invalid.code, -32602);
	broker_submit(broker, "third", OWN "._connectionRequest", NULL, NULL, params, on_done,
		      &request);
	assert_int_equal(request.code, -32601);
	assert_int_equal(fakes[0].delivered, 0);
}

static void test_directory_change(void **state)
{
	struct directory *smaller = directory_new();
	struct answer answer = {0};
	char *error;

	(void)state;
	submit("third", OWN ".open", OWN ".open(1)", &answer);
	assert_int_equal(fakes[0].delivered, 1);
	assert_int_equal(directory_add_records(smaller, "f", "{\"records\":[]}", 14, &error), 0);
	broker_set_directory(broker, smaller);
	assert_int_equal(fakes[0].changed, 1);
	/* A message under way keeps what it holds of the old one. */
	assert_non_null(json_object_get(fakes[0].held->params, "_client"));
	fakes[0].done(0, NULL, NULL, fakes[0].arg);
	fakes[0].delivered = 0;
	refused("third", OWN ".open", OWN ".open(1)", 1);
}

static void test_stop(void **state)
{
	struct answer answer = {0}, late = {0};

	(void)state;
	submit("third", OWN ".open", OWN ".open(1)", &answer);
	broker_stop(broker);
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.r, -ECANCELED);
	submit("third", OWN ".open", OWN ".open(2)", &late);
	assert_int_equal(late.code, 1);
	assert_int_equal(fakes[0].delivered, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_delivers_with_client, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_bypass, setup, teardown),
		cmocka_unit_test_setup_teardown(test_third_operator, setup, teardown),
		cmocka_unit_test_setup_teardown(test_permission, setup, teardown),
		cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_local_ids, setup, teardown),
		cmocka_unit_test_setup_teardown(test_duplicates, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deadline, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failures, setup, teardown),
		cmocka_unit_test_setup_teardown(test_builtins, setup, teardown),
		cmocka_unit_test_setup_teardown(test_directory_change, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
	};
	log_setup("test", LOG_ERROR, LOG_FORMAT_PLAIN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
