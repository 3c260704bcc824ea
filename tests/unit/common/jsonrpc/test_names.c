// SPDX-License-Identifier: BSD-2-Clause
/* A server given by name: the client asks the resolver, and libcurl looks nothing up. */
#include "common/jsonrpc/client.h"
#include "common/jsonrpc/server.h"
#include "tests/unit/common/dns/fixture.h"

static struct jsonrpc_server *server;
static struct jsonrpc_client *client;
static unsigned replies;
static int last;
static char message[512];

static void on_call(struct jsonrpc_call *call, void *arg)
{
	(void)arg;
	jsonrpc_call_result(call, json_true());
}

static void on_reply(int r, json_t *result, const struct jsonrpc_error *error, void *arg)
{
	(void)result;
	(void)arg;
	replies++;
	last = r;
	snprintf(message, sizeof(message), "%s", error && error->message ? error->message : "");
}

static void open_both(const char *host, const char *proxy)
{
	char url[128], *error = NULL;
	json_t *settings =
		json_pack("{s:s, s:s, s:i, s:i, s:i}", "bind_address", "127.0.0.1:0", "path",
			  "/jsonrpc", "body_limit", 4096, "max_connections", 8, "timeout", 30000);

	assert_int_equal(jsonrpc_server_new(base, settings, NULL, on_call, NULL, &server, &error),
			 0);
	json_decref(settings);
	snprintf(url, sizeof(url), "http://%s:%u/jsonrpc", host, jsonrpc_server_port(server));
	settings = json_pack("{s:s, s:s*}", "endpoint", url, "proxy_url", proxy);
	assert_int_equal(jsonrpc_client_new(base, resolver, settings, &client, &error), 0);
	json_decref(settings);
}

static void close_both(void)
{
	jsonrpc_client_free(client);
	jsonrpc_server_free(server);
}

static int ask(unsigned ms)
{
	json_t *params = json_object();

	replies = 0;
	assert_int_equal(jsonrpc_client_call(client, "x", params, NULL, ms, on_reply, NULL), 0);
	json_decref(params);
	assert_int_equal(replies, 0);
	for (uint64_t from = clock_now(); replies == 0 && clock_now() - from < 20 * NS_PER_S;) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		usleep(200);
	}
	assert_int_equal(replies, 1);
	return last;
}

static void by_name(void **state)
{
	(void)state;
	first.zone[0] = (struct record){"rpc.test", 1, 0, 1, 300, LOOPBACK};
	open_both("RPC.test", NULL);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(ask(5000), 0);
	assert_int_equal(first.n_a, 1);
	close_both();
	open_both("rpc.test.", NULL);
	if (ask(5000) != 0)
		fail_msg("%s", message);
	close_both();
}

static void the_resolvers_reason(void **state)
{
	(void)state;
	open_both("none.test", NULL);
	assert_int_equal(ask(5000), -ECONNREFUSED);
	assert_non_null(strstr(message, "its host name cannot be resolved: Domain name not found"));
	close_both();
}

/* The control thread goes on meanwhile: libcurl's resolver would be waited for. */
static void silence_holds_nobody_up(void **state)
{
	(void)state;
	first.zone[0] = second.zone[0] = (struct record){.how = SILENT};
	open_both("rpc.test", NULL);
	uint64_t from = clock_now();
	assert_int_equal(ask(300), -ETIMEDOUT);
	assert_in_range((clock_now() - from) / NS_PER_MS, 250, 1000);
	assert_non_null(strstr(message, "no name server has told the host's address in time"));
	close_both();
}

/* A connection that is open needs no name server. */
static void connections_outlive_the_servers(void **state)
{
	struct resolver_settings settings = two_servers();

	(void)state;
	settings.max_stale_ms = 0;
	renew(&settings);
	first.zone[0] = second.zone[0] = (struct record){"rpc.test", 1, 0, 1, 1, LOOPBACK};
	open_both("rpc.test", NULL);
	assert_int_equal(ask(5000), 0);
	turn_for(1050);
	first.zone[0].how = second.zone[0].how = FAILS;
	assert_int_equal(ask(5000), 0);
	close_both();
}

static void a_server_that_moves(void **state)
{
	(void)state;
	first.zone[0] = (struct record){"rpc.test", 1, 0, 9, 300, LOOPBACK};
	open_both("rpc.test", NULL);
	assert_int_equal(ask(5000), -ECONNREFUSED);
	turn_for(1050);
	/* The call that finds nobody there asks for the name anew, and ends well. */
	first.zone[0].first = 1;
	assert_int_equal(ask(5000), 0);
	assert_int_equal(first.n_a, 2);
	close_both();
}

/* Then it is the proxy's name that is looked up. */
static void by_a_proxy(void **state)
{
	(void)state;
	first.zone[0] = (struct record){"rpc.test", 1, 0, 1, 300, LOOPBACK};
	open_both("rpc.test", "http://no-proxy.test:3128");
	assert_int_equal(ask(5000), -ECONNREFUSED);
	assert_non_null(strstr(message, "Domain name not found"));
	assert_int_equal(first.n_a, 1);
	close_both();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(by_name),
		TEST(the_resolvers_reason),
		TEST(silence_holds_nobody_up),
		TEST(connections_outlive_the_servers),
		TEST(a_server_that_moves),
		TEST(by_a_proxy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
