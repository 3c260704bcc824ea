// SPDX-License-Identifier: BSD-2-Clause
/* Where a server listens, and whom it lets in. */
#include "common/http/server.h"

#include "common/base/cleanup.h"
#include "common/net/tls.h"
#include "common/net/unix_socket.h"
#include "tests/unit/common/http/raw.h"
#include "tests/unit/test_certs.h"

#include <sys/stat.h>
#include <sys/un.h>

static struct http_router *router;
static struct http_server *server;
static char folder[] = "/tmp/passage-http-XXXXXX";
static char path[64];

static const struct http_server_limits limits = {
	.body_bytes = 1000,
	.head_bytes = 2000,
	.stream_bytes = 20000,
	.connections = 2,
	.request_ms = 2000,
	.idle_ms = 2000,
};

/* Who asks. */
static void on_who(struct http_exchange *exchange, void *arg)
{
	const struct http_answer answer = {.status = 200, .content_type = "text/plain"};
	struct ucred who = {0};
	char text[64];

	(void)arg;
	int r = http_exchange_credentials(exchange, &who);
	int n = snprintf(text, sizeof(text), "r %d pid %d uid %u", r, (int)who.pid, who.uid);
	http_exchange_reply(exchange, &answer, text, (size_t)n);
}

static int setup(void **state)
{
	const struct http_route who = {"/who", HTTP_METHOD_GET, NULL, on_who, NULL};

	router = http_router_new();
	return open_loop(state) < 0 || !router ? -1 : http_router_add(router, &who);
}

static int teardown(void **state)
{
	http_server_free(server);
	server = NULL;
	http_router_free(router);
	return close_loop(state);
}

static int listen_unix(mode_t mode, char **ret_error)
{
	const struct unix_socket unix_socket = {path, mode, (uid_t)-1, (gid_t)-1};
	const struct http_server_config config = {
		.base = base,
		.unix_socket = &unix_socket,
		.limits = limits,
		.router = router,
	};

	return http_server_new(&config, &server, ret_error);
}

static int dial_unix(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void test_unix_socket(void **state)
{
	AUTO_FREE char *error = NULL;
	char wanted[64];
	struct stat st;

	(void)state;
	assert_int_equal(listen_unix(0620, &error), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0620);
	assert_true(http_server_is_loopback(server));
	assert_int_equal(http_server_port(server), 0);
	AUTO_CLOSE int fd = dial_unix();
	snprintf(wanted, sizeof(wanted), "r 0 pid %d uid %u", (int)getpid(), getuid());
	say(fd, "GET /who HTTP/1.1\r\n\r\n");
	assert_true(expect(fd, wanted));
	say(fd, "GET /whom HTTP/1.1\r\n\r\n");
	assert_true(expect(fd, "404 Not Found"));
}

static void test_unix_socket_in_use(void **state)
{
	AUTO_FREE char *error = NULL;
	struct http_server *first;

	(void)state;
	assert_int_equal(listen_unix(0600, &error), 0);
	first = server;
	server = NULL;
	assert_int_equal(listen_unix(0600, &error), -EADDRINUSE);
	assert_non_null(strstr(error, path));
	assert_non_null(strstr(error, "another process listens there"));
	http_server_free(first);
	/* What it has left behind is in nobody's way. */
	assert_int_equal(listen_unix(0600, &error), 0);
	AUTO_CLOSE int fd = dial_unix();
	say(fd, "GET /who HTTP/1.1\r\n\r\n");
	assert_true(expect(fd, "200 OK"));
}

/* Connections beyond the limit are closed, and the place of one that ends is free again. */
static void test_connections(void **state)
{
	AUTO_FREE char *error = NULL;

	(void)state;
	assert_int_equal(listen_unix(0600, &error), 0);
	int first = dial_unix();
	AUTO_CLOSE int second = dial_unix();
	turn();
	AUTO_CLOSE int third = dial_unix();
	assert_true(expect(third, ""));
	close(first);
	turn();
	turn();
	AUTO_CLOSE int fourth = dial_unix();
	say(fourth, "GET /who HTTP/1.1\r\n\r\n");
	assert_true(expect(fourth, "200 OK"));
	say(second, "GET /who HTTP/1.1\r\n\r\n");
	assert_true(expect(second, "200 OK"));
}

static bool admit(const SSL *ssl, const struct addr *peer, void *arg)
{
	(void)ssl;
	(void)peer;
	return *(bool *)arg;
}

static void on_refuse(struct http_exchange *exchange, void *arg)
{
	const struct http_answer answer = {.status = 403, .content_type = "text/plain"};

	(void)arg;
	http_exchange_reply(exchange, &answer, "not you", 7);
}

static void ask_over_tls(const char *expected)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(context);
	AUTO_CLOSE int fd = dial(http_server_port(server));
	static const char request[] = "GET /who HTTP/1.1\r\n\r\n";
	char text[4096];
	int n = -1;

	assert_int_equal(SSL_set_fd(ssl, fd), 1);
	for (uint64_t end = now_ms() + PATIENCE_MS; SSL_connect(ssl) != 1 && now_ms() < end;)
		turn();
	assert_int_equal(SSL_write(ssl, request, (int)strlen(request)), strlen(request));
	for (uint64_t end = now_ms() + PATIENCE_MS; n <= 0 && now_ms() < end;) {
		turn();
		n = SSL_read(ssl, text, sizeof(text) - 1);
	}
	text[n > 0 ? n : 0] = '\0';
	if (!strstr(text, expected))
		fail_msg("no '%s' in '%s'", expected, text);
	SSL_free(ssl);
	SSL_CTX_free(context);
}

/* Whoever is not admitted learns nothing of the router's paths. */
static void test_admission(void **state)
{
	static const struct http_server_ops ops = {admit, on_refuse};
	AUTO_FREE char *error = NULL;
	AUTO_JSON json_t *tls = json_pack("{s:s, s:s}", "certificate_file", certs_path("op-1.crt"),
					  "key_file", certs_path("op-1.key"));
	bool admitted = true;
	SSL_CTX *context;

	(void)state;
	assert_int_equal(tls_context_new(tls, TLS_SERVER, &context, &error), 0);
	const struct http_server_config config = {
		.base = base,
		.bind_address = "127.0.0.1:0",
		.tls = context,
		.limits = limits,
		.router = router,
		.ops = &ops,
		.arg = &admitted,
	};
	assert_int_equal(http_server_new(&config, &server, &error), 0);
	SSL_CTX_free(context);
	ask_over_tls("200 OK");
	admitted = false;
	ask_over_tls("not you");
}

static void test_refused_address(void **state)
{
	AUTO_FREE char *error = NULL;
	struct http_server_config config = {
		.base = base,
		.bind_address = "nowhere",
		.limits = limits,
		.router = router,
	};

	(void)state;
	assert_int_equal(http_server_new(&config, &server, &error), -EINVAL);
	assert_non_null(strstr(error, "nowhere"));
	assert_null(server);
}

static int prepare(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/socket", folder);
	return certs_setup(state);
}

static int clean(void **state)
{
	unlink(path);
	rmdir(folder);
	return certs_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_unix_socket, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unix_socket_in_use, setup, teardown),
		cmocka_unit_test_setup_teardown(test_connections, setup, teardown),
		cmocka_unit_test_setup_teardown(test_admission, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_address, setup, teardown),
	};
	return cmocka_run_group_tests(tests, prepare, clean);
}
