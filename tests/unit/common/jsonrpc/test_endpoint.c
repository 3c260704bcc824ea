// SPDX-License-Identifier: BSD-2-Clause
/* JSON-RPC on one path of a server, something else on another. */
#include "common/jsonrpc/endpoint.h"

#include "common/base/cleanup.h"
#include "common/http/server.h"
#include "tests/unit/common/http/raw.h"

#define HEAD(path, length)                                                                    \
	"POST " path " HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: " length \
	"\r\nConnection: close\r\n\r\n"
#define CALL(method) "{\"jsonrpc\":\"2.0\",\"method\":\"" method "\",\"params\":{},\"id\":8}"

static struct http_router *router;
static struct http_server *server;
static uint16_t port;
static struct jsonrpc_call *held;

/* The answer is the endpoint's own argument, or comes later. */
static void on_call(struct jsonrpc_call *call, void *arg)
{
	const struct jsonrpc_request *request = jsonrpc_call_request(call);

	if (strcmp(request->method, "hold") == 0)
		held = call;
	else
		jsonrpc_call_result(call, json_string(arg));
}

static struct jsonrpc_endpoint one = {on_call, (void *)"one"}, two = {on_call, (void *)"two"};

static void on_text(struct http_exchange *exchange, void *arg)
{
	const struct http_answer answer = {.status = 200, .content_type = "text/plain"};

	http_exchange_reply(exchange, &answer, arg, strlen(arg));
}

static void on_refuse(struct http_exchange *exchange, void *arg)
{
	struct jsonrpc_error error = {0};

	(void)arg;
	jsonrpc_error_set(&error, 7, NULL, "not like this");
	jsonrpc_endpoint_refuse(exchange, &error);
}

static int setup(void **state)
{
	const struct http_route text = {"/text", HTTP_METHOD_GET, NULL, on_text, (void *)"plain"};
	const struct http_route refuse = {"/refuse", HTTP_METHOD_GET, NULL, on_refuse, NULL};
	AUTO_FREE char *error = NULL;

	if (open_loop(state) < 0)
		return -1;
	router = http_router_new();
	const struct http_server_config config = {
		.base = base,
		.bind_address = "127.0.0.1:0",
		.limits = {1000, 2000, 10000, 10, 2000, 2000},
		.router = router,
	};
	assert_int_equal(http_router_add(router, &text), 0);
	assert_int_equal(http_router_add(router, &refuse), 0);
	assert_int_equal(jsonrpc_endpoint_add(&one, router, "/one"), 0);
	assert_int_equal(jsonrpc_endpoint_add(&two, router, "/two"), 0);
	assert_int_equal(jsonrpc_endpoint_add(&two, router, "/text"), -EEXIST);
	assert_int_equal(http_server_new(&config, &server, &error), 0);
	port = http_server_port(server);
	return 0;
}

static int teardown(void **state)
{
	http_server_free(server);
	http_router_free(router);
	return close_loop(state);
}

static void test_paths(void **state)
{
	(void)state;
	exchange(port, HEAD("/one", "49") CALL("m"),
		 "{\"jsonrpc\":\"2.0\",\"result\":\"one\",\"id\":8}");
	exchange(port, HEAD("/two", "49") CALL("m"),
		 "{\"jsonrpc\":\"2.0\",\"result\":\"two\",\"id\":8}");
	exchange(port, "GET /text HTTP/1.1\r\n\r\n", "\r\n\r\nplain");
	exchange(port, "GET /three HTTP/1.1\r\n\r\n", "404 ");
}

/* The dialect says all that is wrong in JSON, with status 400. */
static void test_errors(void **state)
{
	(void)state;
	exchange(port, "GET /one HTTP/1.1\r\n\r\n",
		 "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700,\"message\":\"JSON required\"},"
		 "\"id\":null}");
	exchange(port, HEAD("/two", "2") "{}", "HTTP/1.1 400 Bad Request\r\n");
	exchange(port, "GET /refuse HTTP/1.1\r\n\r\n",
		 "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":7,\"message\":\"not like this\"},"
		 "\"id\":null}");
}

static void test_answer_later(void **state)
{
	AUTO_CLOSE int fd = dial(port);

	(void)state;
	held = NULL;
	say(fd, HEAD("/one", "52") CALL("hold"));
	for (uint64_t end = now_ms() + PATIENCE_MS; !held && now_ms() < end;)
		turn();
	assert_non_null(held);
	jsonrpc_call_result(held, json_true());
	assert_true(expect(fd, "{\"jsonrpc\":\"2.0\",\"result\":true,\"id\":8}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_paths, setup, teardown),
		cmocka_unit_test_setup_teardown(test_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answer_later, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
