// SPDX-License-Identifier: BSD-2-Clause
/* Server and client of JSON-RPC against each other, on loopback. */
#include "common/jsonrpc/client.h"
#include "tests/unit/common/jsonrpc/fixture.h"
#include "tests/unit/test_certs.h"

#include <errno.h>

static json_t *tls_block(const char *name, bool verify)
{
	char certificate[64], key[64];

	snprintf(certificate, sizeof(certificate), "%s.crt", name);
	snprintf(key, sizeof(key), "%s.key", name);
	return json_pack("{s:[s], s:s, s:s, s:b}", "ca_certificate_files", certs_path("root.crt"),
			 "certificate_file", certs_path(certificate), "key_file", certs_path(key),
			 "verify_client", verify);
}

static struct jsonrpc_client *client_of(const char *scheme, const char *host, uint16_t port,
					json_t *tls)
{
	AUTO_FREE char *error = NULL, *url = NULL;
	AUTO_JSON json_t *settings = NULL;
	struct jsonrpc_client *client = NULL;

	assert_true(asprintf(&url, "%s://%s:%u/jsonrpc", scheme, host, port) > 0);
	settings = json_pack("{s:s, s:o*}", "endpoint", url, "tls", tls);
	if (jsonrpc_client_new(base, NULL, settings, &client, &error) < 0)
		fail_msg("%s", error);
	return client;
}

struct answer {
	int count, r, code;
	char message[512];
	json_t *result;
};

static void on_reply(int r, json_t *result, const struct jsonrpc_error *error, void *arg)
{
	struct answer *answer = arg;

	answer->count++;
	answer->r = r;
	answer->result = json_incref(result);
	answer->code = error ? error->code : 0;
	snprintf(answer->message, sizeof(answer->message), "%s", error ? error->message : "");
}

static struct answer ask(struct jsonrpc_client *client, const char *method, unsigned timeout_ms)
{
	AUTO_JSON json_t *params = json_pack("{s:s}", "domain", "a.example");
	struct answer answer = {0};
	uint64_t end = now_ms() + PATIENCE_MS;

	assert_int_equal(jsonrpc_client_call(client, method, params, "op-1.x(7)", timeout_ms,
					     on_reply, &answer),
			 0);
	assert_int_equal(answer.count, 0);
	while (answer.count == 0 && now_ms() < end)
		turn();
	assert_int_equal(answer.count, 1);
	json_decref(answer.result);
	return answer;
}

static void test_plain(void **state)
{
	/* An answer of 5 MB takes a busy machine its time. */
	struct jsonrpc_server *server = serve_for(PATIENCE_MS);
	struct jsonrpc_client *client =
		client_of("http", "127.0.0.1", jsonrpc_server_port(server), NULL);
	struct answer answer;

	(void)state;
	answer = ask(client, "echo", 60000);
	assert_int_equal(answer.r, 0);
	answer = ask(client, "nothing", 60000);
	assert_int_equal(answer.r, 0);
	answer = ask(client, "refuse", 60000);
	assert_int_equal(answer.r, -EPROTO);
	assert_int_equal(answer.code, 403);
	assert_string_equal(answer.message, "not allowed");
	answer = ask(client, "big", 60000);
	assert_int_equal(answer.r, -EMSGSIZE);
	answer = ask(client, "hold", 200);
	assert_int_equal(answer.r, -ETIMEDOUT);
	/* The asker has gone; the answer must still be given. */
	jsonrpc_call_result(held, json_true());
	jsonrpc_client_free(client);
	jsonrpc_server_free(server);
}

/* The shorter of the two counts: that of the settings, and that of the call. */
static void test_timeout_of_the_settings(void **state)
{
	struct jsonrpc_server *server = serve_plain();
	AUTO_FREE char *error = NULL, *url = NULL;
	struct jsonrpc_client *client = NULL;

	(void)state;
	assert_true(asprintf(&url, "http://127.0.0.1:%u/jsonrpc", jsonrpc_server_port(server)) > 0);
	AUTO_JSON json_t *settings = json_pack("{s:s, s:i}", "endpoint", url, "timeout", 200);
	assert_int_equal(jsonrpc_client_new(base, NULL, settings, &client, &error), 0);
	/* ask() has less patience than the call. */
	struct answer answer = ask(client, "hold", 2 * PATIENCE_MS);
	assert_int_equal(answer.r, -ETIMEDOUT);
	jsonrpc_call_result(held, json_true());
	jsonrpc_client_free(client);
	jsonrpc_server_free(server);
}

static void test_mutual_tls(void **state)
{
	struct jsonrpc_server *server = serve(json_pack("{s:s, s:o}", "bind_address", "localhost:0",
							"tls", tls_block("op-1", true)));
	uint16_t port = jsonrpc_server_port(server);
	struct jsonrpc_client *good =
		client_of("https", "localhost", port, tls_block("op-1", true));
	struct jsonrpc_client *wrong =
		client_of("https", "127.0.0.1", port, tls_block("op-2", true));
	struct jsonrpc_client *stranger =
		client_of("https", "127.0.0.1", port, tls_block("stranger", true));
	struct jsonrpc_client *nobody =
		client_of("https", "127.0.0.1", port,
			  json_pack("{s:[s]}", "ca_certificate_files", certs_path("root.crt")));
	struct answer answer;

	(void)state;
	handled = 0;
	for (int i = 0; i < 20; i++)
		assert_int_equal(ask(good, "echo", 60000).r, 0);
	assert_int_equal(handled, 20);
	answer = ask(wrong, "echo", 60000);
	assert_int_equal(answer.r, -EPROTO);
	assert_int_equal(answer.code, 401);
	assert_int_not_equal(ask(stranger, "echo", 60000).r, 0);
	assert_int_not_equal(ask(nobody, "echo", 60000).r, 0);
	assert_int_equal(handled, 20);
	jsonrpc_client_free(good);
	jsonrpc_client_free(wrong);
	jsonrpc_client_free(stranger);
	jsonrpc_client_free(nobody);
	jsonrpc_server_free(server);
}

static void test_server_name(void **state)
{
	struct jsonrpc_server *server = serve(json_pack("{s:s, s:o}", "bind_address", "127.0.0.1:0",
							"tls", tls_block("op-2", false)));
	uint16_t port = jsonrpc_server_port(server);
	json_t *named = tls_block("op-1", true), *misnamed = tls_block("op-1", true);

	(void)state;
	json_object_set_new(named, "server_name", json_string("also-2"));
	json_object_set_new(misnamed, "server_name", json_string("op-1"));
	struct jsonrpc_client *good = client_of("https", "127.0.0.1", port, named);
	struct jsonrpc_client *bad = client_of("https", "127.0.0.1", port, misnamed);
	struct jsonrpc_client *by_host =
		client_of("https", "127.0.0.1", port, tls_block("op-1", true));
	assert_int_equal(ask(good, "echo", 60000).r, 0);
	assert_int_equal(ask(bad, "echo", 60000).r, -EACCES);
	assert_int_equal(ask(by_host, "echo", 60000).r, -EACCES);
	jsonrpc_client_free(good);
	jsonrpc_client_free(bad);
	jsonrpc_client_free(by_host);
	jsonrpc_server_free(server);
}

static void test_server_restarts(void **state)
{
	AUTO_FREE char *address = NULL;
	struct jsonrpc_server *server = serve_plain();
	uint16_t port = jsonrpc_server_port(server);
	struct jsonrpc_client *client = client_of("http", "127.0.0.1", port, NULL);

	(void)state;
	assert_int_equal(ask(client, "echo", 60000).r, 0);
	jsonrpc_server_free(server);
	assert_int_equal(ask(client, "echo", 60000).r, -ECONNREFUSED);
	assert_true(asprintf(&address, "127.0.0.1:%u", port) > 0);
	server = serve(json_pack("{s:s}", "bind_address", address));
	assert_int_equal(ask(client, "echo", 60000).r, 0);
	/* The connection that was kept is dead: asked again at once on a new one. */
	jsonrpc_server_free(server);
	server = serve(json_pack("{s:s}", "bind_address", address));
	assert_int_equal(ask(client, "echo", 60000).r, 0);
	jsonrpc_client_free(client);
	jsonrpc_server_free(server);
}

static void free_inside(int r, json_t *result, const struct jsonrpc_error *error, void *arg)
{
	struct jsonrpc_client **client = arg;

	(void)r;
	(void)result;
	(void)error;
	jsonrpc_client_free(*client);
	*client = NULL;
}

static void test_freed_client(void **state)
{
	AUTO_JSON json_t *params = json_object();
	struct jsonrpc_server *server = serve_plain();
	uint16_t port = jsonrpc_server_port(server);
	struct jsonrpc_client *client = client_of("http", "127.0.0.1", port, NULL);
	struct answer answers[20] = {0};
	uint64_t end = now_ms() + PATIENCE_MS;

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(jsonrpc_client_call(client, "echo", params, NULL, 60000, on_reply,
						     &answers[i]),
				 0);
	turn();
	jsonrpc_client_free(client);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(answers[i].count, 1);
		json_decref(answers[i].result);
	}
	client = client_of("http", "127.0.0.1", port, NULL);
	assert_int_equal(
		jsonrpc_client_call(client, "echo", params, NULL, 60000, free_inside, &client), 0);
	while (client && now_ms() < end)
		turn();
	assert_null(client);
	jsonrpc_server_free(server);
}

static void refused(json_t *settings, const char *part)
{
	AUTO_JSON json_t *taken = settings;
	AUTO_FREE char *error = NULL;
	struct jsonrpc_server *server = (void *)1;

	assert_true(jsonrpc_server_new(base, taken, "op-1", on_call, NULL, &server, &error) < 0);
	assert_ptr_equal(server, (void *)1);
	if (!strstr(error, part))
		fail_msg("'%s' does not hold '%s'", error, part);
}

static void test_start_refused(void **state)
{
	struct jsonrpc_server *server = serve_plain();
	AUTO_FREE char *taken = NULL;

	(void)state;
	assert_true(asprintf(&taken, "127.0.0.1:%u", jsonrpc_server_port(server)) > 0);
	refused(json_pack("{s:s}", "bind_address", taken), "Address already in use");
	refused(json_pack("{s:s}", "bind_address", taken), taken);
	refused(json_pack("{s:s}", "bind_address", "0.0.0.0:0"), "verify_client: true");
	refused(json_pack("{s:s, s:o}", "bind_address", ":0", "tls", tls_block("op-1", false)),
		"verify_client: true");
	refused(json_pack("{s:s}", "bind_address", "192.0.2.1:0"), "192.0.2.1");
	refused(json_pack("{s:s, s:{s:s, s:s}}", "bind_address", "127.0.0.1:0", "tls",
			  "certificate_file", "/no/such", "key_file", "/no/such"),
		"/no/such");
	jsonrpc_server_free(server);
}

static int setup(void **state)
{
	return open_loop(state) < 0 ? -1 : certs_setup(state);
}

static int teardown(void **state)
{
	(void)close_loop(state);
	return certs_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timeout_of_the_settings),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_mutual_tls),
		cmocka_unit_test(test_server_name),
		cmocka_unit_test(test_server_restarts),
		cmocka_unit_test(test_freed_client),
		cmocka_unit_test(test_start_refused),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
