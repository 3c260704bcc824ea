// SPDX-License-Identifier: BSD-2-Clause
/* announceConnection, withdrawConnection, getAnnouncements and incomingConnection. */
#include "common/base/timestamp.h"
#include "tests/unit/user/fakes.h"
#include "user/private/service.h"
#include "user/store/sqlite.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>

static char folder[] = "/tmp/passage-private-XXXXXX";
static char file[128];
static struct event_base *base;
static struct private_service service;
static json_t *public_proxies;
static struct mailbox *workers[2] = {(struct mailbox *)"a", (struct mailbox *)"b"};
static struct crew crew = {.boxes = workers, .n = 2};

static void open_all(void)
{
	const struct announcements_limits limits = {.total = 5, .per_owner = 3};
	const struct stored fixed = {"*.fixed.org", "pub", "me", 0};
	struct store *store = NULL;
	char *error = NULL;

	assert_int_equal(sqlite_open(file, ROLE_PRIVATE, &store, &error), 0);
	service = (struct private_service){
		.name = "me",
		.crew = &crew,
		.internal_address = "127.0.0.1:8888",
		.public_proxies = public_proxies,
		.max_calls = 2,
		.max_dials = 2,
	};
	assert_int_equal(announcements_new(store, &limits, timestamp_now(), &service.announcements),
			 0);
	assert_int_equal(announcements_add_fixed(service.announcements, &fixed, "127.0.0.1:77"), 0);
	assert_int_equal(announcer_new(base, "me", NULL, service.announcements, &service.announcer),
			 0);
	assert_int_equal(resolver_new(base, NULL, &service.resolver), 0);
}

static void close_all(void)
{
	announcer_free(service.announcer);
	resolver_free(service.resolver);
	announcements_free(service.announcements);
}

static int start(void **state)
{
	(void)state;
	strcpy(strrchr(folder, '-'), "-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof(file), "%s/state.db", folder);
	base = event_base_new();
	public_proxies = json_pack("[{s:s, s:[s]}]", "name", "pub", "endpoints", "127.0.0.1:9999");
	open_all();
	return 0;
}

static int end(void **state)
{
	char command[128];

	(void)state;
	close_all();
	json_decref(public_proxies);
	event_base_free(base);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) || n_fake_requests || n_fake_mail;
}

#define ALLOWED "{\"allowed_domains\": [\".org\"]}"

static struct jsonrpc_call call(const char *method, const char *name, const char *settings,
				const char *params)
{
	json_t *all = json_loads(params, 0, NULL), *entry = json_object();

	assert_non_null(all);
	if (settings)
		json_object_set_new(entry, "settings",
				    json_pack("[{s:s, s:o}]", "service", "proxy", "settings",
					      json_loads(settings, 0, NULL)));
	if (name)
		json_object_set_new(all, "_client",
				    json_pack("{s:s, s:O}", "name", name, "entry", entry));
	json_decref(entry);
	return fake_call(method, all);
}

static struct jsonrpc_call asked;

static void ask(const char *method, const char *name, const char *params)
{
	asked = call(method, name, ALLOWED, params);
	private_service_call(&service, &asked);
}

#define A        "{\"domain\": \"A.org\", \"proxy\": \"pub\"}"
#define ANNOUNCE "pub.announceConnections"
#define SENT \
	"{\"connections\": [{\"domain\": \"a.org\", \"expires_at\": null, \"proxy\": \"pub\"}]}"

static void announce_a(const char *name)
{
	ask("announceConnection", name, A);
	fake_reply(ANNOUNCE, SENT, 0, json_pack("[n]"), 0, NULL);
	assert_answer(&asked, "\"ok\"");
}

static void assert_announced(const char *expected)
{
	ask("getAnnouncements", "x", "{}");
	assert_answer(&asked, expected);
}

#define FIXED "{\"domain\": \"*.fixed.org\", \"expires_at\": null, \"proxy\": \"pub\"}"

static void keeps_what_the_public_proxy_accepts(void **state)
{
	struct jsonrpc_call first = call("announceConnection", "x", ALLOWED, A);

	(void)state;
	private_service_call(&service, &first);
	assert_int_equal(first.answers, 0);
	assert_int_equal(service.calls, 1);
	assert_int_equal(fake_requests[0].timeout_ms, PRIVATE_CALL_MS);
	assert_announced("[" FIXED "]"); /* not before it is accepted */
	fake_reply(ANNOUNCE, SENT, 0, json_pack("[n]"), 0, NULL);
	assert_int_equal(service.calls, 0);
	assert_answer(&first, "\"ok\"");
	close_all();
	open_all();
	assert_announced(
		"[{\"domain\": \"a.org\", \"expires_at\": null, \"proxy\": \"pub\"}, " FIXED "]");
}

static void a_refusal_reaches_the_announcer(void **state)
{
	(void)state;
	ask("announceConnection", "x", A);
	fake_reply(ANNOUNCE, SENT, 0,
		   json_pack("[{s:f, s:s}]", "code", 409.0, "message", "already taken"), 0, NULL);
	assert_answer(&asked, "{\"code\": 409, \"message\": \"already taken\"}");
	assert_announced("[" FIXED "]");
}

static void no_answer_is_an_internal_error(void **state)
{
	(void)state;
	ask("announceConnection", "x", A);
	fake_reply(ANNOUNCE, SENT, -ETIMEDOUT, NULL, 0, "no answer in 10 s");
	assert_answer(&asked, "{\"code\": -32603, \"data\": {\"proxy\": \"pub\", \"reason\": \"no "
			      "answer in 10 s\"}, \"message\": \"internal error\"}");
	ask("announceConnection", "x", A);
	fake_reply(ANNOUNCE, SENT, -EPROTO, NULL, 403, "not authorized");
	assert_answer(&asked, "{\"code\": -32603, \"data\": {\"code\": 403, \"proxy\": \"pub\", "
			      "\"reason\": \"not authorized\"}, \"message\": \"internal error\"}");
	ask("announceConnection", "x", A);
	fake_reply(ANNOUNCE, SENT, 0, json_string("ok"), 0, NULL);
	assert_answer(&asked, "{\"code\": -32603, \"data\": {\"reason\": \"the public proxy's "
			      "answer is not a list of one\"}, \"message\": \"internal error\"}");
	fake_client_error = -ENOMEM;
	ask("announceConnection", "x", A);
	fake_client_error = 0;
	assert_answer(&asked, "{\"code\": -32603, \"data\": {\"reason\": \"Cannot allocate "
			      "memory\"}, \"message\": \"internal error\"}");
	assert_int_equal(service.calls, 0);
	assert_announced("[" FIXED "]");
}

static void checks_come_in_order(void **state)
{
	(void)state;
	ask("announceConnection", "x", "{\"domain\": \"a.org\", \"proxy\": \"me\"}");
	assert_answer(&asked, "{\"code\": 400, \"message\": \"trying to announce with private "
			      "proxy name\"}");
	asked = call("announceConnection", "x", NULL, A);
	private_service_call(&service, &asked);
	assert_answer(&asked, "{\"code\": 403, \"message\": \"not authorized\"}");
	asked = call("announceConnection", "x", "{\"allowed_domains\": 7}", A);
	private_service_call(&service, &asked);
	assert_answer(&asked, "{\"code\": 500, \"message\": \"invalid directory settings\"}");
	ask("announceConnection", "x", "{\"domain\": \"a.example\", \"proxy\": \"pub\"}");
	assert_answer(&asked, "{\"code\": 403, \"data\": {\"allowed_domains\": [\".org\"]}, "
			      "\"message\": \"not allowed to forward this domain\"}");
	assert_int_equal(service.calls, 0);
}

static void assert_invalid(const char *method, const char *name, const char *params,
			   const char *message)
{
	ask(method, name, params);
	assert_int_equal(asked.answers, 1);
	assert_int_equal(asked.error.code, -32602);
	assert_string_equal(json_string_value(json_object_get(asked.error.data, "message")),
			    message);
	fake_call_clear(&asked);
}

static void parameters_are_checked(void **state)
{
	(void)state;
	assert_invalid("announceConnection", NULL, A, "invalid input data: _client(is required)");
	assert_invalid("announceConnection", "x", "{\"expires_at\": \"x\"}",
		       "invalid input data: domain(is required), proxy(is required), "
		       "expires_at(is not a time as RFC 3339 writes it)");
	assert_invalid("announceConnection", "x", "{\"domain\": \"a b\", \"proxy\": 7}",
		       "invalid input data: domain(holds a character that no host name holds), "
		       "proxy(is not a string)");
	assert_invalid("incomingConnection", "pub",
		       "{\"domain\": \"a.org\", \"endpoint\": \"x:1\", \"token\": \"AAAA\"}",
		       "invalid input data: token(is not the base64 of 32 bytes)");
	assert_invalid("incomingConnection", NULL, "{}",
		       "invalid input data: _client(is required), domain(is required), "
		       "endpoint(is required), token(is required)");
	assert_int_equal(service.calls, 0);
}

static void a_record_belongs_to_its_owner(void **state)
{
	(void)state;
	announce_a("x");
	ask("announceConnection", "y", A);
	assert_answer(&asked, "{\"code\": 409, \"message\": \"already taken\"}");
	announce_a("x");
	ask("announceConnection", "x", "{\"domain\": \"*.fixed.org\", \"proxy\": \"pub\"}");
	assert_answer(&asked, "{\"code\": 409, \"message\": \"already taken\"}");
	ask("announceConnection", "y", "{\"domain\": \"a.org\", \"proxy\": \"pub-2\"}");
	fake_reply("pub-2.announceConnections", NULL, 0, json_pack("[n]"), 0, NULL);
	assert_answer(&asked, "\"ok\"");
}

/* Both were free to ask; the one whose answer comes first has it. */
static void two_may_race(void **state)
{
	struct jsonrpc_call first = call("announceConnection", "x", ALLOWED, A);

	(void)state;
	private_service_call(&service, &first);
	ask("announceConnection", "y", A);
	fake_reply(ANNOUNCE, SENT, 0, json_pack("[n]"), 0, NULL);
	fake_reply(ANNOUNCE, SENT, 0, json_pack("[n]"), 0, NULL);
	assert_answer(&first, "\"ok\"");
	assert_answer(&asked, "{\"code\": 409, \"message\": \"already taken\"}");
}

static void calls_and_records_are_bounded(void **state)
{
	struct jsonrpc_call two[2] = {call("announceConnection", "x", ALLOWED, A),
				      call("announceConnection", "x", ALLOWED, A)};
	char params[100];

	(void)state;
	private_service_call(&service, &two[0]);
	private_service_call(&service, &two[1]);
	ask("announceConnection", "x", A);
	assert_answer(&asked, "{\"code\": 429, \"message\": \"too many requests under way\"}");
	for (unsigned i = 0; i < 2; i++) {
		fake_reply(ANNOUNCE, SENT, 0, json_pack("[n]"), 0, NULL);
		assert_answer(&two[i], "\"ok\"");
	}
	for (unsigned i = 0; i < 3; i++) {
		snprintf(params, sizeof(params), "{\"domain\": \"n%u.org\", \"proxy\": \"pub\"}",
			 i);
		ask("announceConnection", "x", params);
		if (i == 2)
			break;
		fake_reply(ANNOUNCE, NULL, 0, json_pack("[n]"), 0, NULL);
		assert_answer(&asked, "\"ok\"");
	}
	/* The public proxy is not asked for what we could not keep. */
	assert_answer(&asked, "{\"code\": 429, \"message\": \"too many announcements\"}");
}

static void refuse_writes(void)
{
	sqlite3 *db;

	close_all();
	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				      "CREATE TRIGGER full BEFORE INSERT ON announcements"
				      " BEGIN SELECT RAISE(ABORT, 'no room'); END",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	open_all();
}

static void a_failed_write_is_an_error(void **state)
{
	(void)state;
	refuse_writes();
	ask("announceConnection", "x", A);
	fake_reply(ANNOUNCE, SENT, 0, json_pack("[n]"), 0, NULL);
	assert_answer(&asked, "{\"code\": -32603, \"data\": {\"reason\": \"the announcement cannot "
			      "be stored\"}, \"message\": \"internal error\"}");
	assert_announced("[" FIXED "]");
}

#define WITHDRAW "pub.withdrawConnection"

static void the_owner_withdraws(void **state)
{
	(void)state;
	announce_a("x");
	ask("withdrawConnection", "y", A);
	assert_answer(&asked, "{\"code\": 404, \"message\": \"no matching announcement\"}");
	ask("withdrawConnection", "x", A);
	fake_reply(WITHDRAW, SENT, -ECONNREFUSED, NULL, 0, "connection refused");
	assert_answer(&asked, "{\"code\": -32603, \"data\": {\"proxy\": \"pub\", \"reason\": "
			      "\"connection refused\"}, \"message\": \"internal error\"}");
	ask("withdrawConnection", "x", A);
	fake_reply(WITHDRAW, SENT, 0, json_pack("[n]"), 0, NULL);
	assert_answer(&asked, "\"ok\"");
	assert_announced("[" FIXED "]");

	announce_a("x");
	ask("withdrawConnection", "x", A); /* it has expired there */
	fake_reply(WITHDRAW, SENT, 0,
		   json_pack("[{s:i, s:s}]", "code", 404, "message", "no matching announcement"), 0,
		   NULL);
	assert_answer(&asked, "\"ok\"");
	ask("withdrawConnection", "me", "{\"domain\": \"*.fixed.org\", \"proxy\": \"pub\"}");
	assert_answer(&asked, "{\"code\": 400, \"message\": \"this announcement is in the private "
			      "proxy's settings\"}");
}

/* An original knows no withdrawal: the announcement is sent once more, to expire. */
static void withdraws_from_an_original(void **state)
{
	(void)state;
	announce_a("x");
	ask("withdrawConnection", "x", A);
	fake_reply(WITHDRAW, SENT, -EPROTO, NULL, -32601, "method not found");
	assert_true(json_is_string(json_object_get(
		json_array_get(json_object_get(fake_requests[0].params, "connections"), 0),
		"expires_at")));
	fake_reply(ANNOUNCE, NULL, 0, json_pack("[n]"), 0, NULL);
	assert_answer(&asked, "\"ok\"");
	assert_announced("[" FIXED "]");
	assert_int_equal(service.calls, 0);
}

#define TOKEN "//////////////////////////////////////////8="

static void incoming(const char *domain, const char *proxy, const char *endpoint)
{
	char params[300];

	snprintf(params, sizeof(params),
		 "{\"domain\": \"%s\", \"endpoint\": \"%s\", \"token\": \"" TOKEN "\"}", domain,
		 endpoint);
	ask("incomingConnection", proxy, params);
}

static void assert_dial(const char *domain, const char *inside, const struct mailbox *worker)
{
	uint8_t token[TOKEN_BYTES];
	char text[ADDR_TEXT_MAX];
	struct mailbox *to;
	struct mail *mail = fake_take_mail(&to);

	memset(token, 0xff, sizeof(token));
	assert_answer(&asked, "{\"message\": \"ok\"}");
	assert_ptr_equal(to, worker);
	assert_int_equal(mail->type, MAIL_DIAL);
	assert_memory_equal(mail->u.dial.token, token, TOKEN_BYTES);
	assert_string_equal(mail->u.dial.domain, domain);
	assert_string_equal(mail->u.dial.operator, "pub");
	assert_int_equal(mail->u.dial.n_outside, 1);
	addr_format(&mail->u.dial.outside[0], text);
	assert_string_equal(text, "127.0.0.1:9999");
	assert_int_equal(mail->u.dial.n_inside, 1);
	addr_format(&mail->u.dial.inside[0], text);
	assert_string_equal(text, inside);
	mail_free(mail);
}

static void connections_are_dialled_by_each_worker_in_turn(void **state)
{
	(void)state;
	crew.next = 0;
	announce_a("x");
	incoming("A.org", "pub", "127.0.0.1:9999");
	assert_dial("a.org", "127.0.0.1:8888", workers[1]);
	incoming("www.fixed.org", "pub", "127.0.0.1:9999");
	assert_dial("www.fixed.org", "127.0.0.1:77", workers[0]);
	incoming("a.org", "pub", "127.0.0.1:9999");
	assert_dial("a.org", "127.0.0.1:8888", workers[1]);
	assert_int_equal(service.dials, 0);
}

static void unknown_connections_are_refused(void **state)
{
	static const char none[] = "{\"code\": 404, \"message\": \"no matching connection found\"}";

	(void)state;
	announce_a("x");
	incoming("b.org", "pub", "127.0.0.1:9999");
	assert_answer(&asked, none);
	incoming("a.org", "pub-2", "127.0.0.1:9999");
	assert_answer(&asked, none);
	incoming("a.www.fixed.org", "pub", "127.0.0.1:9999");
	assert_answer(&asked, none);
	incoming("fixed.org", "pub", "127.0.0.1:9999");
	assert_answer(&asked, none);
	incoming("org", "pub", "127.0.0.1:9999");
	assert_answer(&asked, none);
}

static void only_known_endpoints_are_dialled(void **state)
{
	static const char refused[] = "{\"code\": 403, \"message\": \"endpoint not allowed\"}";

	(void)state;
	announce_a("x");
	incoming("a.org", "pub", "127.0.0.1:22");
	assert_answer(&asked, refused);
	incoming("a.org", "pub", "nonsense");
	assert_answer(&asked, refused);
}

static void an_expired_record_is_none(void **state)
{
	const struct stored expired = {"b.org", "pub", "x", timestamp_now() - 1};

	(void)state;
	assert_int_equal(announcements_put(service.announcements, &expired), 1);
	assert_int_equal(announcements_commit(service.announcements), 1);
	incoming("b.org", "pub", "127.0.0.1:9999");
	assert_answer(&asked, "{\"code\": 404, \"message\": \"no matching connection found\"}");
	assert_announced("[" FIXED "]");
	ask("withdrawConnection", "x", "{\"domain\": \"b.org\", \"proxy\": \"pub\"}");
	assert_answer(&asked, "{\"code\": 404, \"message\": \"no matching announcement\"}");
}

/* Whoever asked is told, and the log says why. */
static void names_that_do_not_resolve_end_it(void **state)
{
	static const char params[] = "{\"domain\": \"a.org\", \"endpoint\": "
				     "\"name.invalid:9999\", \"token\": \"" TOKEN "\"}";
	struct resolver_settings settings = RESOLVER_DEFAULTS;
	struct jsonrpc_call two[2] = {call("incomingConnection", "pub", ALLOWED, params),
				      call("incomingConnection", "pub", ALLOWED, params)};
	json_t *endpoints =
		json_pack("[{s:s, s:[s]}]", "name", "pub", "endpoints", "name.invalid:9999");

	(void)state;
	announce_a("x");
	service.public_proxies = endpoints;
	/* Nobody serves names there. */
	settings.n_servers = name_server_parse("127.0.0.1:1", &settings.servers[0]);
	resolver_free(service.resolver);
	assert_int_equal(resolver_new(base, &settings, &service.resolver), 0);
	for (unsigned i = 0; i < 2; i++)
		private_service_call(&service, &two[i]);
	assert_int_equal(service.dials, 2);
	incoming("a.org", "pub", "name.invalid:9999");
	assert_answer(&asked, "{\"code\": 429, \"message\": \"too many connections are "
			      "being set up\"}");
	while (service.dials > 0)
		event_base_loop(base, EVLOOP_ONCE);
	for (unsigned i = 0; i < 2; i++)
		assert_answer(&two[i], "{\"code\": 502, \"message\": \"the endpoint's name is "
				       "not resolved\"}");
	resolver_free(service.resolver);
	service.resolver = NULL;
	json_decref(endpoints);
}

static void other_methods_are_unknown(void **state)
{
	(void)state;
	ask("announceConnections", "x", "{}");
	assert_answer(&asked, "{\"code\": -32601, \"message\": \"method not found\"}");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(keeps_what_the_public_proxy_accepts),
		TEST(a_refusal_reaches_the_announcer),
		TEST(no_answer_is_an_internal_error),
		TEST(checks_come_in_order),
		TEST(parameters_are_checked),
		TEST(a_record_belongs_to_its_owner),
		TEST(two_may_race),
		TEST(calls_and_records_are_bounded),
		TEST(a_failed_write_is_an_error),
		TEST(the_owner_withdraws),
		TEST(withdraws_from_an_original),
		TEST(connections_are_dialled_by_each_worker_in_turn),
		TEST(unknown_connections_are_refused),
		TEST(only_known_endpoints_are_dialled),
		TEST(an_expired_record_is_none),
		TEST(names_that_do_not_resolve_end_it),
		TEST(other_methods_are_unknown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
