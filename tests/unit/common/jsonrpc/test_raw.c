// SPDX-License-Identifier: BSD-2-Clause
/* What raw sockets meet at a server of JSON-RPC: requests of any kind, and its limits. */
#include "tests/unit/common/jsonrpc/fixture.h"

#define HEAD(length)                                                                      \
	"POST /jsonrpc HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-" \
	"Length: " length "\r\n"
#define ECHO_BODY "{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":{},\"id\":8}"

static void test_raw_requests(void **state)
{
	struct jsonrpc_server *server = serve_plain();
	uint16_t port = jsonrpc_server_port(server);

	(void)state;
	exchange(port, HEAD("52") "\r\n" ECHO_BODY, "\"id\":8}");
	exchange(port,
		 "GET /jsonrpc HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: "
		 "52\r\n\r\n" ECHO_BODY,
		 "200 OK");
	exchange(port, HEAD("52") "Expect: 100-continue\r\n\r\n", "100 Continue");
	exchange(port, HEAD("3") "\r\nxyz", "{\"code\":-32700,\"message\":\"JSON required\"}");
	exchange(port, HEAD("3") "\r\nxyz", "\"id\":null}");
	exchange(port, HEAD("2") "\r\n[]", "-32600");
	exchange(port, "POST /jsonrpc HTTP/1.1\r\nContent-Length: 52\r\n\r\n" ECHO_BODY, "-32700");
	exchange(port, "POST /other HTTP/1.1\r\n\r\n", "404 Not Found");
	exchange(port, "POST /other HTTP/1.1\r\n\r\n", "{\"message\":\"not found\"}");
	exchange(port, HEAD("10001") "\r\n", "413 ");
	exchange(port, "\x16\x03\x01 nonsense\r\n\r\n", "400 Bad Request");
	exchange(port, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "411 ");
	/* Two requests in one segment. */
	exchange(port, "POST /a HTTP/1.1\r\n\r\n" HEAD("52") "\r\n" ECHO_BODY, "\"id\":8}");
	/* Connection: close is kept to. */
	AUTO_CLOSE int fd = dial(port);
	push(fd, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 37);
	assert_true(expect(fd, ""));
	jsonrpc_server_free(server);
}

static void test_oversized_head(void **state)
{
	struct jsonrpc_server *server = serve_plain();
	AUTO_CLOSE int fd = dial(jsonrpc_server_port(server));
	char head[20000];

	(void)state;
	memset(head, 'a', sizeof(head));
	memcpy(head, "GET / HTTP/1.1\r\n", 16);
	push(fd, head, sizeof(head));
	assert_true(expect(fd, "431 "));
	jsonrpc_server_free(server);
}

/* A byte now and then does not stretch the deadline. */
static void test_slow_client(void **state)
{
	struct jsonrpc_server *server = serve_for(700);
	AUTO_CLOSE int slow = dial(jsonrpc_server_port(server));
	AUTO_CLOSE int idle = dial(jsonrpc_server_port(server));
	uint64_t begin = now_ms();
	char byte;

	(void)state;
	while (now_ms() < begin + 60000) {
		(void)send(slow, "x", 1, MSG_NOSIGNAL);
		for (int i = 0; i < 20; i++)
			turn();
		if (recv(slow, &byte, 1, MSG_PEEK) > 0)
			break;
	}
	/* Else it would have gone on, a byte at a time. */
	assert_in_range(now_ms() - begin, 500, 59000);
	assert_true(expect(slow, "408 "));
	assert_true(expect(idle, ""));
	jsonrpc_server_free(server);
}

static void test_connection_limit(void **state)
{
	/* Whoever is one too many must not wait for the time-out. */
	struct jsonrpc_server *server = serve_plain();
	int fds[5];

	(void)state;
	for (int i = 0; i < 5; i++) {
		fds[i] = dial(jsonrpc_server_port(server));
		turn();
	}
	assert_true(expect(fds[4], ""));
	close(fds[0]);
	turn();
	turn();
	exchange(jsonrpc_server_port(server), "GET / HTTP/1.1\r\n\r\n", "404");
	for (int i = 1; i < 5; i++)
		close(fds[i]);
	jsonrpc_server_free(server);
}

static void test_rate_limit(void **state)
{
	struct jsonrpc_server *server =
		serve(json_pack("{s:s, s:[{s:s, s:i}]}", "bind_address", "127.0.0.1:0",
				"tcp_rate_limits", "type", "hour", "limit", 2));
	uint16_t port = jsonrpc_server_port(server);

	(void)state;
	exchange(port, "GET / HTTP/1.1\r\n\r\n", "404");
	exchange(port, "GET / HTTP/1.1\r\n\r\n", "404");
	AUTO_CLOSE int fd = dial(port);
	assert_true(expect(fd, ""));
	jsonrpc_server_free(server);
}

static void test_client_goes_while_handled(void **state)
{
	static const char body[] = "{\"jsonrpc\":\"2.0\",\"method\":\"hold\",\"params\":{}}";
	struct jsonrpc_server *server = serve_plain();
	uint64_t end = now_ms() + PATIENCE_MS;
	char request[256];
	int fd = dial(jsonrpc_server_port(server));

	(void)state;
	held = NULL;
	snprintf(request, sizeof(request),
		 "POST /jsonrpc HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: "
		 "%zu\r\n\r\n%s",
		 strlen(body), body);
	push(fd, request, strlen(request));
	while (!held && now_ms() < end)
		turn();
	assert_non_null(held);
	reset(fd);
	turn();
	jsonrpc_call_result(held, json_true());
	for (int i = 0; i < 10; i++)
		turn();

	held = NULL;
	fd = dial(jsonrpc_server_port(server));
	push(fd, request, strlen(request));
	while (!held && now_ms() < end)
		turn();
	jsonrpc_server_free(server);
	jsonrpc_call_result(held, json_true());
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_raw_requests),
		cmocka_unit_test(test_oversized_head),
		cmocka_unit_test(test_slow_client),
		cmocka_unit_test(test_connection_limit),
		cmocka_unit_test(test_rate_limit),
		cmocka_unit_test(test_client_goes_while_handled),
	};
	return cmocka_run_group_tests(tests, open_loop, close_loop);
}
