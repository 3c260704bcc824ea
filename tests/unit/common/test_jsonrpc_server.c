// SPDX-License-Identifier: BSD-2-Clause
/* Server and client of JSON-RPC against each other and against raw sockets, on loopback. */
#include "common/cleanup.h"
#include "common/jsonrpc_client.h"
#include "common/jsonrpc_server.h"
#include "common/log.h"
#include "tests/unit/test_certs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define PATIENCE_MS 10000

static struct event_base *base;
static struct jsonrpc_call *held; /* by the method "hold" */
static unsigned handled;

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void turn(void)
{
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	usleep(500);
}

static void on_call(struct jsonrpc_call *call, void *arg)
{
	const struct jsonrpc_request *request = jsonrpc_call_request(call);
	struct jsonrpc_error error = {0};

	(void)arg;
	handled++;
	if (strcmp(request->method, "hold") == 0) {
		held = call;
	} else if (strcmp(request->method, "refuse") == 0) {
		jsonrpc_error_set(&error, 403, json_pack("{s:i}", "n", 1), "not allowed");
		jsonrpc_call_error(call, &error);
	} else if (strcmp(request->method, "big") == 0) {
		AUTO_FREE char *text = malloc(5 << 20);
		memset(text, 'x', 5 << 20);
		jsonrpc_call_result(call, json_stringn(text, 5 << 20));
	} else if (strcmp(request->method, "nothing") == 0) {
		jsonrpc_call_result(call, NULL);
	} else {
		jsonrpc_call_result(call, json_incref(request->params));
	}
}

static json_t *tls_block(const char *name, bool verify)
{
	char certificate[64], key[64];

	snprintf(certificate, sizeof(certificate), "%s.crt", name);
	snprintf(key, sizeof(key), "%s.key", name);
	return json_pack("{s:[s], s:s, s:s, s:b}", "ca_certificate_files", certs_path("root.crt"),
			 "certificate_file", certs_path(certificate), "key_file", certs_path(key),
			 "verify_client", verify);
}

static struct jsonrpc_server *serve(json_t *settings)
{
	AUTO_JSON json_t *taken = settings;
	AUTO_FREE char *error = NULL;
	struct jsonrpc_server *server = NULL;

	if (jsonrpc_server_new(base, taken, "op-1", on_call, NULL, &server, &error) < 0)
		fail_msg("%s", error);
	return server;
}

static struct jsonrpc_server *serve_plain(void)
{
	return serve(json_pack("{s:s, s:i, s:i, s:i}", "bind_address", "127.0.0.1:0", "timeout",
			       700, "body_limit", 10000, "max_connections", 4));
}

static struct jsonrpc_client *client_of(const char *scheme, const char *host, uint16_t port,
					json_t *tls)
{
	AUTO_FREE char *error = NULL, *url = NULL;
	AUTO_JSON json_t *settings = NULL;
	struct jsonrpc_client *client = NULL;

	assert_true(asprintf(&url, "%s://%s:%u/jsonrpc", scheme, host, port) > 0);
	settings = json_pack("{s:s, s:o*}", "endpoint", url, "tls", tls);
	if (jsonrpc_client_new(base, settings, &client, &error) < 0)
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
	struct jsonrpc_server *server = serve_plain();
	struct jsonrpc_client *client =
		client_of("http", "127.0.0.1", jsonrpc_server_port(server), NULL);
	struct answer answer;

	(void)state;
	answer = ask(client, "echo", 5000);
	assert_int_equal(answer.r, 0);
	answer = ask(client, "nothing", 5000);
	assert_int_equal(answer.r, 0);
	answer = ask(client, "refuse", 5000);
	assert_int_equal(answer.r, -EPROTO);
	assert_int_equal(answer.code, 403);
	assert_string_equal(answer.message, "not allowed");
	answer = ask(client, "big", 5000);
	assert_int_equal(answer.r, -EMSGSIZE);
	answer = ask(client, "hold", 200);
	assert_int_equal(answer.r, -ETIMEDOUT);
	/* The asker has gone; the answer must still be given. */
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
		assert_int_equal(ask(good, "echo", 5000).r, 0);
	assert_int_equal(handled, 20);
	answer = ask(wrong, "echo", 5000);
	assert_int_equal(answer.r, -EPROTO);
	assert_int_equal(answer.code, 401);
	assert_int_not_equal(ask(stranger, "echo", 5000).r, 0);
	assert_int_not_equal(ask(nobody, "echo", 5000).r, 0);
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
	assert_int_equal(ask(good, "echo", 5000).r, 0);
	assert_int_equal(ask(bad, "echo", 5000).r, -EACCES);
	assert_int_equal(ask(by_host, "echo", 5000).r, -EACCES);
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
	assert_int_equal(ask(client, "echo", 5000).r, 0);
	jsonrpc_server_free(server);
	assert_int_equal(ask(client, "echo", 5000).r, -ECONNREFUSED);
	assert_true(asprintf(&address, "127.0.0.1:%u", port) > 0);
	server = serve(json_pack("{s:s}", "bind_address", address));
	assert_int_equal(ask(client, "echo", 5000).r, 0);
	/* The connection that was kept is dead: asked again at once on a new one. */
	jsonrpc_server_free(server);
	server = serve(json_pack("{s:s}", "bind_address", address));
	assert_int_equal(ask(client, "echo", 5000).r, 0);
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
		assert_int_equal(jsonrpc_client_call(client, "echo", params, NULL, 5000, on_reply,
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
		jsonrpc_client_call(client, "echo", params, NULL, 5000, free_inside, &client), 0);
	while (client && now_ms() < end)
		turn();
	assert_null(client);
	jsonrpc_server_free(server);
}

static int dial(uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0 || errno == EINPROGRESS);
	return fd;
}

/* Read until `part` has come or the server closes; whether it came. */
static bool expect(int fd, const char *part)
{
	uint64_t end = now_ms() + PATIENCE_MS;
	char text[65536];
	size_t length = 0;

	while (now_ms() < end) {
		turn();
		ssize_t n = recv(fd, text + length, sizeof(text) - 1 - length, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != ENOTCONN))
			return part[0] == '\0';
		length += n > 0 ? (size_t)n : 0;
		text[length] = '\0';
		if (part[0] && strstr(text, part))
			return true;
	}
	return false;
}

static void push(int fd, const char *text, size_t length)
{
	uint64_t end = now_ms() + PATIENCE_MS;

	while (length > 0 && now_ms() < end) {
		ssize_t n = send(fd, text, length, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != ENOTCONN)
			return;
		text += n > 0 ? n : 0;
		length -= n > 0 ? (size_t)n : 0;
		turn();
	}
}

static void exchange(uint16_t port, const char *text, const char *expected)
{
	AUTO_CLOSE int fd = dial(port);

	push(fd, text, strlen(text));
	if (!expect(fd, expected))
		fail_msg("no '%s' after '%.60s'", expected, text);
}

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
	struct jsonrpc_server *server = serve_plain();
	AUTO_CLOSE int slow = dial(jsonrpc_server_port(server));
	AUTO_CLOSE int idle = dial(jsonrpc_server_port(server));
	uint64_t begin = now_ms();
	char byte;

	(void)state;
	while (now_ms() < begin + 3000) {
		(void)send(slow, "x", 1, MSG_NOSIGNAL);
		for (int i = 0; i < 20; i++)
			turn();
		if (recv(slow, &byte, 1, MSG_PEEK) > 0)
			break;
	}
	assert_in_range(now_ms() - begin, 500, 2500);
	assert_true(expect(slow, "408 "));
	assert_true(expect(idle, ""));
	jsonrpc_server_free(server);
}

static void test_connection_limit(void **state)
{
	struct jsonrpc_server *server = serve_plain();
	int fds[5];

	(void)state;
	for (int i = 0; i < 5; i++) {
		fds[i] = dial(jsonrpc_server_port(server));
		turn();
	}
	uint64_t begin = now_ms();
	assert_true(expect(fds[4], ""));
	assert_true(now_ms() - begin < 500);
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
	struct linger reset = {1, 0};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
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
	log_setup("test", LOG_ERROR, LOG_FORMAT_PLAIN);
	base = event_base_new();
	return certs_setup(state);
}

static int teardown(void **state)
{
	event_base_free(base);
	return certs_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_mutual_tls),
		cmocka_unit_test(test_server_name),
		cmocka_unit_test(test_server_restarts),
		cmocka_unit_test(test_freed_client),
		cmocka_unit_test(test_raw_requests),
		cmocka_unit_test(test_oversized_head),
		cmocka_unit_test(test_slow_client),
		cmocka_unit_test(test_connection_limit),
		cmocka_unit_test(test_rate_limit),
		cmocka_unit_test(test_client_goes_while_handled),
		cmocka_unit_test(test_start_refused),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
