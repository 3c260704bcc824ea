// SPDX-License-Identifier: BSD-2-Clause
/* The way of a request through its states, as raw sockets see it. */
#include "tests/unit/common/http/fixture.h"

static struct http_exchange *held;

static void on_hello(struct http_exchange *exchange, void *arg)
{
	const struct http_answer answer = {.status = 200, .content_type = "text/plain"};

	(void)arg;
	http_exchange_reply(exchange, &answer, "hello", 5);
}

static void on_hold(struct http_exchange *exchange, void *arg)
{
	(void)arg;
	held = exchange;
}

static void on_length(struct http_exchange *exchange, void *arg)
{
	const struct http_answer answer = {.status = 200, .content_type = "text/plain"};
	char text[32];
	size_t length;

	(void)arg;
	(void)http_exchange_body(exchange, &length);
	int n = snprintf(text, sizeof(text), "%zu bytes", length);
	http_exchange_reply(exchange, &answer, text, (size_t)n);
}

static int setup(void **state)
{
	if (serve(state) < 0)
		return -1;
	held = NULL;
	route("/hello", HTTP_METHOD_GET, NULL, on_hello);
	route("/hold", HTTP_METHOD_GET, NULL, on_hold);
	route("/length", HTTP_METHOD_POST, NULL, on_length);
	return 0;
}

static void test_many_requests(void **state)
{
	AUTO_CLOSE int fd = dial(port);

	(void)state;
	for (int i = 0; i < 20; i++) {
		say(fd, "GET /hello HTTP/1.1\r\n\r\n");
		assert_true(expect(fd, "hello"));
	}
	/* Three in one segment, the last says that it is the last. */
	char text[4096];
	say(fd, "GET /hello HTTP/1.1\r\n\r\nGET /hello HTTP/1.1\r\n\r\n"
		"GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n");
	assert_true(read_until(fd, "", text, sizeof(text)));
	size_t n = 0;
	for (const char *at = text; (at = strstr(at, "hello")); at++)
		n++;
	assert_int_equal(n, 3);
}

static void test_request_byte_by_byte(void **state)
{
	static const char request[] = "POST /length HTTP/1.1\r\nContent-Length: 9\r\n\r\n123456789";
	AUTO_CLOSE int fd = dial(port);

	(void)state;
	for (size_t i = 0; i < strlen(request); i++)
		push(fd, request + i, 1);
	assert_true(expect(fd, "9 bytes"));
}

static void test_body_is_awaited(void **state)
{
	AUTO_CLOSE int fd = dial(port);

	(void)state;
	say(fd, "POST /length HTTP/1.1\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n");
	assert_true(expect(fd, "HTTP/1.1 100 Continue\r\n\r\n"));
	say(fd, "123456789");
	assert_true(expect(fd, "9 bytes"));
}

static void test_limits(void **state)
{
	char head[3000] = "GET / HTTP/1.1\r\nX: ";

	(void)state;
	exchange(port, "POST /length HTTP/1.1\r\nContent-Length: 1001\r\n\r\n", "413 ");
	memset(head + strlen(head), 'x', sizeof(head) - 1 - strlen(head));
	exchange(port, head, "431 ");
	exchange(port, "POST /length HTTP/1.1\r\nContent-Length: 9\r\n\r\n1234", "408 ");
	exchange(port, "GET /hello HTTP/1.1\r\n", "408 ");
	/* One that asks for nothing is not told anything. */
	AUTO_CLOSE int fd = dial(port);
	assert_true(expect(fd, ""));
}

/* The client's half may end before its answer. */
static void test_half_closed(void **state)
{
	AUTO_CLOSE int fd = dial(port);
	char text[4096];

	(void)state;
	say(fd, "GET /hello HTTP/1.1\r\n\r\n");
	shutdown(fd, SHUT_WR);
	assert_true(read_until(fd, "", text, sizeof(text)));
	assert_non_null(strstr(text, "hello"));
}

static void test_server_goes_before_the_answer(void **state)
{
	const struct http_answer answer = {.status = 200};
	AUTO_CLOSE int fd = dial(port);
	size_t length = 1;

	(void)state;
	say(fd, "GET /hold HTTP/1.1\r\n\r\n");
	for (uint64_t end = now_ms() + PATIENCE_MS; !held && now_ms() < end;)
		turn();
	http_server_free(server);
	server = NULL;
	assert_string_equal(http_exchange_path(held), "/hold");
	(void)http_exchange_body(held, &length);
	assert_int_equal(length, 0);
	http_exchange_reply(held, &answer, "late", 4);
	assert_true(expect(fd, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_many_requests, setup, stop),
		cmocka_unit_test_setup_teardown(test_request_byte_by_byte, setup, stop),
		cmocka_unit_test_setup_teardown(test_body_is_awaited, setup, stop),
		cmocka_unit_test_setup_teardown(test_limits, setup, stop),
		cmocka_unit_test_setup_teardown(test_half_closed, setup, stop),
		cmocka_unit_test_setup_teardown(test_server_goes_before_the_answer, setup, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
