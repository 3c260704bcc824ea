// SPDX-License-Identifier: BSD-2-Clause
/* announceConnections, getAnnouncements and withdrawConnection, with the datastore behind them. */
#include "common/base/timestamp.h"
#include "tests/unit/user/fakes.h"
#include "user/public/service.h"
#include "user/store/sqlite.h"

#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

static char folder[] = "/tmp/passage-public-XXXXXX";
static char file[128];
static struct public_service service;
static unsigned changes;

static void changed(void *arg)
{
	(void)arg;
	changes++;
}

static void open_all(void)
{
	const struct announcements_limits limits = {.total = 6, .per_owner = 4};
	struct store *store = NULL;
	char *error = NULL;

	assert_int_equal(sqlite_open(file, ROLE_PUBLIC, &store, &error), 0);
	service = (struct public_service){.name = "pub", .changed = changed};
	assert_int_equal(announcements_new(store, &limits, timestamp_now(), &service.announcements),
			 0);
	changes = 0;
}

static int start(void **state)
{
	(void)state;
	strcpy(strrchr(folder, '-'), "-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof(file), "%s/state.db", folder);
	open_all();
	return 0;
}

static int end(void **state)
{
	char command[128];

	(void)state;
	announcements_free(service.announcements);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

/* Parameters as the relay delivers them; `settings` NULL: none in the directory. */
static json_t *params_from(const char *name, const char *settings, const char *params)
{
	json_t *all = json_loads(params, 0, NULL), *entry = json_pack("{s:s}", "name", name);

	assert_non_null(all);
	if (settings)
		json_object_set_new(entry, "settings",
				    json_pack("[{s:s, s:s, s:o}]", "service", "proxy", "operator",
					      "", "settings", json_loads(settings, 0, NULL)));
	json_object_set_new(all, "_client", json_pack("{s:s, s:o}", "name", name, "entry", entry));
	return all;
}

static struct jsonrpc_call call(const char *method, json_t *params)
{
	struct jsonrpc_call asked = fake_call(method, params);

	public_service_call(&service, &asked);
	return asked;
}

#define ALLOWED "{\"allowed_domains\": [\".org\", \"*.net\"]}"

static void announce(const char *name, const char *connections, const char *expected)
{
	char params[2000];

	snprintf(params, sizeof(params), "{\"connections\": %s}", connections);
	struct jsonrpc_call asked = call("announceConnections", params_from(name, ALLOWED, params));
	assert_answer(&asked, expected);
}

static void get(const char *params, const char *expected)
{
	struct jsonrpc_call asked = call("getAnnouncements", params_from("x", NULL, params));

	assert_answer(&asked, expected);
}

static void answers_item_by_item(void **state)
{
	(void)state;
	/* The message of the originals, with one domain allowed and one not. */
	announce("p-1",
		 "[{\"domain\":\"GRPC.internal-server.org\",\"expires_at\":null},"
		 "{\"domain\":\"x.other.example\"},{\"domain\":\"a..x.org\"},"
		 "{\"domain\":\"*.w.org\",\"proxy\":\"pub\"}]",
		 "[null, {\"code\": 403, \"message\": \"not allowed\"}, {\"code\": 400, "
		 "\"message\": \"invalid domain: has an empty label\"}, null]");
	assert_int_equal(changes, 1);
	get("{}", "[{\"domain\": \"grpc.internal-server.org\", \"expires_at\": null, "
		  "\"operator\": \"p-1\"}, {\"domain\": \"*.w.org\", \"expires_at\": null, "
		  "\"operator\": \"p-1\"}]");
	get("{\"operator\": \"p-2\"}", "[]");
	get("{\"operator\": \"p-1\", \"domain\": \"*.W.org\"}",
	    "[{\"domain\": \"*.w.org\", \"expires_at\": null, \"operator\": \"p-1\"}]");
}

/* Kept as clients ask for them; "A_b-.org." and "a_b-.org" are one name. */
static void names_may_be_no_host_names(void **state)
{
	(void)state;
	announce("p-1",
		 "[{\"domain\":\"_X.a.org\"},{\"domain\":\"A_b-.org.\"},"
		 "{\"domain\":\"*._c.org.\"}]",
		 "[null, null, null]");
	get("{}", "[{\"domain\": \"_x.a.org\", \"expires_at\": null, \"operator\": \"p-1\"}, "
		  "{\"domain\": \"a_b-.org\", \"expires_at\": null, \"operator\": \"p-1\"}, "
		  "{\"domain\": \"*._c.org\", \"expires_at\": null, \"operator\": \"p-1\"}]");
	announce("p-2", "[{\"domain\":\"a_B-.org\"}]",
		 "[{\"code\": 409, \"message\": \"already taken\"}]");
}

static void announcing_again_changes_nothing(void **state)
{
	(void)state;
	announce("p-1", "[{\"domain\":\"a.org\"}]", "[null]");
	announce("p-1", "[{\"domain\":\"a.org\"}]", "[null]");
	assert_int_equal(changes, 1);
	announce("p-1", "[]", "[]");
	assert_int_equal(changes, 1);
}

static void survives_a_restart(void **state)
{
	(void)state;
	announce("p-1", "[{\"domain\":\"a.org\"}]", "[null]");
	announcements_free(service.announcements);
	open_all();
	get("{}", "[{\"domain\": \"a.org\", \"expires_at\": null, \"operator\": \"p-1\"}]");
}

static void the_first_keeps_a_name(void **state)
{
	(void)state;
	announce("p-1", "[{\"domain\":\"a.org\"},{\"domain\":\"*.b.org\"}]", "[null, null]");
	/* The exact name under a wildcard of another is another name. */
	announce("p-2",
		 "[{\"domain\":\"A.org\"},{\"domain\":\"*.b.org\"},{\"domain\":\"x.b.org\"}]",
		 "[{\"code\": 409, \"message\": \"already taken\"}, "
		 "{\"code\": 409, \"message\": \"already taken\"}, null]");
	get("{\"operator\": \"p-2\"}",
	    "[{\"domain\": \"x.b.org\", \"expires_at\": null, \"operator\": \"p-2\"}]");
}

static void what_has_expired_frees_the_name(void **state)
{
	char connection[200], until[TIMESTAMP_TEXT_MAX];

	(void)state;
	timestamp_format(timestamp_now() + 1500, until);
	snprintf(connection, sizeof(connection), "[{\"domain\":\"a.org\",\"expires_at\":\"%s\"}]",
		 until);
	announce("p-1", connection, "[null]");
	announce("p-2", "[{\"domain\":\"a.org\"}]",
		 "[{\"code\": 409, \"message\": \"already taken\"}]");
	usleep(1510000);
	get("{}", "[]");
	announce("p-2", "[{\"domain\":\"a.org\"}]", "[null]");
	get("{}", "[{\"domain\": \"a.org\", \"expires_at\": null, \"operator\": \"p-2\"}]");
}

static void announcing_the_past_withdraws(void **state)
{
	(void)state;
	announce("p-1", "[{\"domain\":\"a.org\"}]", "[null]");
	announce("p-1",
		 "[{\"domain\":\"a.org\",\"expires_at\":\"2020-01-01T00:00:00Z\"},"
		 "{\"domain\":\"b.org\",\"expires_at\":\"2020-01-01T00:00:00Z\"}]",
		 "[null, null]");
	get("{}", "[]");
	assert_int_equal(changes, 2);
}

static void limits_are_answered(void **state)
{
	(void)state;
	announce("p-1",
		 "[{\"domain\":\"a.org\"},{\"domain\":\"b.org\"},{\"domain\":\"c.org\"},"
		 "{\"domain\":\"d.org\"},{\"domain\":\"e.org\"},{\"domain\":\"a.org\"}]",
		 "[null, null, null, null, {\"code\": 429, \"message\": \"too many announcements "
		 "of this operator\"}, null]");
	announce("p-2", "[{\"domain\":\"f.org\"},{\"domain\":\"g.org\"},{\"domain\":\"h.org\"}]",
		 "[null, null, {\"code\": 429, \"message\": \"too many announcements\"}]");
}

static void settings_decide(void **state)
{
	static const char params[] = "{\"connections\": [{\"domain\": \"a.org\"}]}";

	(void)state;
	struct jsonrpc_call asked = call("announceConnections", params_from("p-1", NULL, params));
	assert_answer(&asked, "{\"code\": 403, \"message\": \"not authorized\"}");
	asked = call("announceConnections", params_from("p-1", "{}", params));
	assert_answer(&asked, "{\"code\": 500, \"message\": \"invalid directory settings\"}");
	asked = call("announceConnections",
		     params_from("p-1", "{\"allowed_domains\": [\"a b\"]}", params));
	assert_answer(&asked, "{\"code\": 500, \"message\": \"invalid directory settings\"}");
	asked = call("announceConnections",
		     params_from("p-1", "{\"allowed_domains\": []}", params));
	assert_answer(&asked, "[{\"code\": 403, \"message\": \"not allowed\"}]");
	assert_int_equal(changes, 0);
}

static void assert_invalid(const char *method, json_t *params, const char *message)
{
	struct jsonrpc_call asked = call(method, params);

	assert_int_equal(asked.answers, 1);
	assert_int_equal(asked.error.code, -32602);
	assert_string_equal(asked.error.message, "invalid params");
	assert_string_equal(json_string_value(json_object_get(asked.error.data, "code")),
			    "FORM-ERROR");
	assert_string_equal(json_string_value(json_object_get(asked.error.data, "message")),
			    message);
	fake_call_clear(&asked);
}

static void malformed_parameters_reject_the_call(void **state)
{
	static const char announce_method[] = "announceConnections";

	(void)state;
	assert_invalid(announce_method, json_loads("{\"connections\": []}", 0, NULL),
		       "invalid input data: _client(is required)");
	assert_invalid(announce_method, params_from("p-1", ALLOWED, "{}"),
		       "invalid input data: connections(is required)");
	assert_invalid(announce_method, params_from("p-1", ALLOWED, "{\"connections\": {}}"),
		       "invalid input data: connections(is not a list)");
	assert_invalid(announce_method,
		       params_from("p-1", ALLOWED,
				   "{\"connections\": [{\"domain\": \"a.org\"}, {}, 7, "
				   "{\"domain\": 8, \"expires_at\": \"x\"}]}"),
		       "invalid input data: connections.1.domain(is required), connections.2(is "
		       "not an object), connections.3.domain(is not a string), "
		       "connections.3.expires_at(is not a time as RFC 3339 writes it)");
	assert_invalid(announce_method,
		       params_from("p-1", ALLOWED,
				   "{\"connections\": [{\"domain\": \"a.org\", \"expires_at\": "
				   "\"2099-01-01T00:00:00Z\"}]}"),
		       "invalid input data: connections.0.expires_at(timed announcements need to "
		       "expire in 7 days or less)");
	get("{}", "[]");
}

static void withdraw(const char *name, const char *params, const char *expected)
{
	struct jsonrpc_call asked = call("withdrawConnection", params_from(name, NULL, params));

	assert_answer(&asked, expected);
}

static void the_holder_withdraws(void **state)
{
	(void)state;
	announce("p-1", "[{\"domain\":\"a.org\"},{\"domain\":\"b.org\"},{\"domain\":\"*.c.org\"}]",
		 "[null, null, null]");
	withdraw("p-2", "{\"domain\": \"a.org\"}",
		 "{\"code\": 404, \"message\": \"no matching announcement\"}");
	withdraw("p-1", "{\"domain\": \"A.org\"}", "\"ok\"");
	withdraw("p-1", "{\"domain\": \"a.org\"}",
		 "{\"code\": 404, \"message\": \"no matching announcement\"}");
	withdraw("p-1", "{\"connections\": [{\"domain\": \"*.c.org\"}, {\"domain\": \"x.c.org\"}]}",
		 "[null, {\"code\": 404, \"message\": \"no matching announcement\"}]");
	assert_int_equal(changes, 3);
	announcements_free(service.announcements);
	open_all();
	get("{}", "[{\"domain\": \"b.org\", \"expires_at\": null, \"operator\": \"p-1\"}]");

	assert_invalid("withdrawConnection", params_from("p-1", NULL, "{}"),
		       "invalid input data: domain(is required)");
	assert_invalid("withdrawConnection", params_from("p-1", NULL, "{\"connections\": 1}"),
		       "invalid input data: connections(is not a list)");
	/* Nothing is withdrawn when one item is malformed. */
	assert_invalid("withdrawConnection",
		       params_from("p-1", NULL,
				   "{\"connections\": [{\"domain\": \"b.org\"}, {\"domain\": "
				   "\"..\"}]}"),
		       "invalid input data: connections.1.domain(has an empty label)");
	assert_invalid("withdrawConnection", json_loads("{\"domain\": \"b.org\"}", 0, NULL),
		       "invalid input data: _client(is required)");
	get("{}", "[{\"domain\": \"b.org\", \"expires_at\": null, \"operator\": \"p-1\"}]");
}

/* A trigger stands in for a full disk. */
static void a_failed_write_is_an_error(void **state)
{
	sqlite3 *db;

	(void)state;
	announcements_free(service.announcements);
	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				      "CREATE TRIGGER full BEFORE INSERT ON announcements"
				      " BEGIN SELECT RAISE(ABORT, 'no room'); END",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	open_all();
	announce("p-1", "[{\"domain\":\"a.org\"}]",
		 "{\"code\": -32603, \"data\": {\"reason\": \"the announcements cannot be "
		 "stored\"}, \"message\": \"internal error\"}");
	get("{}", "[]");
	assert_int_equal(changes, 0);
}

static void other_methods_are_unknown(void **state)
{
	(void)state;
	struct jsonrpc_call asked = call("incomingConnection", json_object());
	assert_answer(&asked, "{\"code\": -32601, \"message\": \"method not found\"}");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers_item_by_item),
		TEST(names_may_be_no_host_names),
		TEST(announcing_again_changes_nothing),
		TEST(survives_a_restart),
		TEST(the_first_keeps_a_name),
		TEST(what_has_expired_frees_the_name),
		TEST(announcing_the_past_withdraws),
		TEST(limits_are_answered),
		TEST(settings_decide),
		TEST(malformed_parameters_reject_the_call),
		TEST(the_holder_withdraws),
		TEST(a_failed_write_is_an_error),
		TEST(other_methods_are_unknown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
