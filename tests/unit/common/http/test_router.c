// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/common/http/fixture.h"

#define OK          "HTTP/1.1 200 OK\r\n"
#define JSON_HEADER "Content-Type: application/json; charset=utf-8\r\n"

static unsigned asked;

static void on_health(struct http_exchange *exchange, void *arg)
{
	const struct http_answer answer = {.status = 200, .content_type = "text/plain"};

	(void)arg;
	asked++;
	http_exchange_reply(exchange, &answer, "well\n", 5);
}

/* Repeats the path and the body. */
static void on_echo(struct http_exchange *exchange, void *arg)
{
	const struct http_answer answer = {.status = 200, .headers = "X-Kind: echo\r\n"};
	char text[2000];
	size_t length;

	(void)arg;
	asked++;
	const char *body = http_exchange_body(exchange, &length);
	int n = snprintf(text, sizeof(text), "%s %s %.*s", http_exchange_path(exchange),
			 http_method_name(http_exchange_method(exchange)), (int)length, body);
	http_exchange_reply(exchange, &answer, text, (size_t)n);
}

static int setup(void **state)
{
	if (serve(state) < 0)
		return -1;
	asked = 0;
	route("/health", HTTP_METHOD_GET, NULL, on_health);
	route("/echo", HTTP_METHOD_POST | HTTP_METHOD_PUT, "application/json", on_echo);
	return 0;
}

/* All of an answer, to the end of the connection. */
static void answered(const char *request, const char *expected)
{
	AUTO_CLOSE int fd = dial(port);
	char text[4096];

	say(fd, request);
	assert_true(read_until(fd, "", text, sizeof(text)));
	assert_string_equal(text, expected);
}

static void test_two_paths(void **state)
{
	(void)state;
	answered("GET /health?x=/echo HTTP/1.1\r\nConnection: close\r\n\r\n",
		 OK "Content-Type: text/plain\r\nContent-Length: 5\r\nConnection: "
		    "close\r\n\r\nwell\n");
	answered("PUT /echo HTTP/1.1\r\nContent-Type: application/json; a=b\r\nContent-Length: "
		 "2\r\nConnection: close\r\n\r\n{}",
		 OK JSON_HEADER "Content-Length: 12\r\nX-Kind: echo\r\nConnection: close\r\n\r\n"
				"/echo PUT {}");
	assert_int_equal(asked, 2);
}

static void test_unknown_path(void **state)
{
	static const char *const paths[] = {"/", "/healthy", "/health/", "/heal", "/Health", "/*"};
	char request[128];

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\n\r\n", paths[i]);
		answered(request, "HTTP/1.1 404 Not Found\r\n" JSON_HEADER
				  "Content-Length: 23\r\nConnection: close\r\n\r\n"
				  "{\"message\":\"not found\"}");
	}
	assert_int_equal(asked, 0);
}

static void test_wrong_method(void **state)
{
	(void)state;
	answered("POST /health HTTP/1.0\r\n\r\n",
		 "HTTP/1.1 405 Method Not Allowed\r\n" JSON_HEADER
		 "Content-Length: 32\r\nAllow: GET, HEAD\r\nConnection: close\r\n\r\n"
		 "{\"message\":\"method not allowed\"}");
	exchange(port, "GET /echo HTTP/1.1\r\n\r\n", "\r\nAllow: POST, PUT\r\n");
	exchange(port, "BREW /echo HTTP/1.1\r\n\r\n", "HTTP/1.1 405 ");
	assert_int_equal(asked, 0);
}

static void test_wrong_type(void **state)
{
	(void)state;
	answered("POST /echo HTTP/1.0\r\nContent-Type: text/plain\r\n\r\n",
		 "HTTP/1.1 415 Unsupported Media Type\r\n" JSON_HEADER
		 "Content-Length: 36\r\nConnection: close\r\n\r\n"
		 "{\"message\":\"unsupported media type\"}");
	exchange(port, "POST /echo HTTP/1.1\r\n\r\n", "HTTP/1.1 415 ");
	assert_int_equal(asked, 0);
}

static void test_head(void **state)
{
	(void)state;
	answered("HEAD /health HTTP/1.0\r\n\r\n",
		 OK "Content-Type: text/plain\r\nContent-Length: 5\r\nConnection: close\r\n\r\n");
	answered("HEAD /nothing HTTP/1.0\r\n\r\n",
		 "HTTP/1.1 404 Not Found\r\n" JSON_HEADER
		 "Content-Length: 23\r\nConnection: close\r\n\r\n");
	assert_int_equal(asked, 1);
}

static void test_add(void **state)
{
	const struct http_route again = {"/health", HTTP_METHOD_ANY, NULL, on_echo, NULL};
	char path[32];

	(void)state;
	assert_int_equal(http_router_add(router, &again), -EEXIST);
	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "/n/%d", i);
		route(path, HTTP_METHOD_ANY, NULL, on_echo);
	}
	exchange(port, "OPTIONS /health HTTP/1.1\r\n\r\n", "HTTP/1.1 405 ");
	exchange(port, "DELETE /n/77 HTTP/1.1\r\n\r\n", "/n/77 DELETE ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_two_paths, setup, stop),
		cmocka_unit_test_setup_teardown(test_unknown_path, setup, stop),
		cmocka_unit_test_setup_teardown(test_wrong_method, setup, stop),
		cmocka_unit_test_setup_teardown(test_wrong_type, setup, stop),
		cmocka_unit_test_setup_teardown(test_head, setup, stop),
		cmocka_unit_test_setup_teardown(test_add, setup, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
