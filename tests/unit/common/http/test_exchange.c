// SPDX-License-Identifier: BSD-2-Clause
/* Streamed answers, against raw sockets. */
#include "tests/unit/common/http/fixture.h"

/* What the handler of /stream has in hand, and what it was told. */
static struct http_exchange *stream;
static unsigned n_writable, n_gone;
static int begun;
static bool end_when_gone;

static void on_writable(struct http_exchange *exchange, void *arg)
{
	assert_ptr_equal(exchange, stream);
	assert_ptr_equal(arg, &n_writable);
	n_writable++;
}

static void on_gone(struct http_exchange *exchange, void *arg)
{
	assert_ptr_equal(exchange, stream);
	assert_ptr_equal(arg, &n_writable);
	n_gone++;
	if (end_when_gone) {
		http_exchange_end(stream);
		stream = NULL;
	}
}

static const struct http_stream_ops ops = {on_writable, on_gone};

static void on_stream(struct http_exchange *exchange, void *arg)
{
	const struct http_answer answer = {
		.status = 200,
		.content_type = "text/event-stream",
		.headers = "Cache-Control: no-store\r\n",
	};

	(void)arg;
	stream = exchange;
	begun = http_exchange_begin(exchange, &answer, &ops, &n_writable);
}

static void on_hello(struct http_exchange *exchange, void *arg)
{
	const struct http_answer answer = {.status = 200};

	(void)arg;
	http_exchange_reply(exchange, &answer, "hello", 5);
}

static void on_nothing(struct http_exchange *exchange, void *arg)
{
	(void)arg;
	http_exchange_end(exchange);
}

static int setup(void **state)
{
	if (serve(state) < 0)
		return -1;
	stream = NULL;
	n_writable = n_gone = 0;
	end_when_gone = true;
	route("/stream", HTTP_METHOD_GET, NULL, on_stream);
	route("/hello", HTTP_METHOD_GET, NULL, on_hello);
	route("/nothing", HTTP_METHOD_GET, NULL, on_nothing);
	return 0;
}

static void wait_for_stream(void)
{
	for (uint64_t end = now_ms() + PATIENCE_MS; !stream && now_ms() < end;)
		turn();
	assert_non_null(stream);
}

static int ask(const char *request)
{
	int fd = dial(port);

	say(fd, request);
	wait_for_stream();
	return fd;
}

static void wait_until_gone(void)
{
	for (uint64_t end = now_ms() + PATIENCE_MS; n_gone == 0 && now_ms() < end;)
		turn();
	assert_int_equal(n_gone, 1);
}

static void send_text(const char *text)
{
	assert_int_equal(http_exchange_write(stream, text, strlen(text)), 0);
}

static void test_chunks(void **state)
{
	AUTO_CLOSE int fd = ask("GET /stream HTTP/1.1\r\n\r\n");
	char text[4096];

	(void)state;
	/* The head does not wait for the first chunk. */
	assert_true(read_until(fd, "\r\n\r\n", text, sizeof(text)));
	assert_string_equal(text, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
				  "Transfer-Encoding: chunked\r\nCache-Control: no-store\r\n\r\n");
	send_text("data: 1\n\n");
	assert_true(read_until(fd, "\n\n\r\n", text, sizeof(text)));
	assert_string_equal(text, "9\r\ndata: 1\n\n\r\n");
	/* Nothing is written as nothing: as a chunk it would be the end. */
	assert_int_equal(http_exchange_write(stream, "", 0), 0);
	send_text("twenty bytes of text");
	http_exchange_end(stream);
	assert_true(read_until(fd, "0\r\n\r\n", text, sizeof(text)));
	assert_string_equal(text, "14\r\ntwenty bytes of text\r\n0\r\n\r\n");
	/* The connection goes on. */
	say(fd, "GET /hello HTTP/1.1\r\n\r\n");
	assert_true(expect(fd, "\r\n\r\nhello"));
	assert_int_equal(n_gone, 0);
}

static void test_http_1_0(void **state)
{
	AUTO_CLOSE int fd = ask("GET /stream HTTP/1.0\r\n\r\n");
	char text[4096];

	(void)state;
	send_text("abc");
	assert_true(read_until(fd, "abc", text, sizeof(text)));
	assert_string_equal(text, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
				  "Cache-Control: no-store\r\nConnection: close\r\n\r\nabc");
	/* Nothing waits to be written when the end comes. */
	http_exchange_end(stream);
	assert_true(read_until(fd, "", text, sizeof(text)));
	assert_string_equal(text, "");
	/* And with something that does. */
	stream = NULL;
	int other = ask("GET /stream HTTP/1.0\r\n\r\n");
	send_text("xyz");
	http_exchange_end(stream);
	assert_true(read_until(other, "", text, sizeof(text)));
	assert_non_null(strstr(text, "\r\n\r\nxyz"));
	close(other);
	assert_int_equal(n_gone, 0);
}

/* Chunks, but the connection ends with the last of them. */
static void test_connection_close(void **state)
{
	AUTO_CLOSE int fd = ask("GET /stream HTTP/1.1\r\nConnection: close\r\n\r\n");
	char text[4096];

	(void)state;
	send_text("abc");
	http_exchange_end(stream);
	assert_true(read_until(fd, "", text, sizeof(text)));
	assert_non_null(strstr(text, "Transfer-Encoding: chunked\r\n"));
	assert_non_null(strstr(text, "Connection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n"));
}

static void test_head(void **state)
{
	AUTO_CLOSE int fd = ask("HEAD /stream HTTP/1.1\r\n\r\n");
	char text[4096];

	(void)state;
	assert_int_equal(begun, -EPIPE);
	assert_int_equal(http_exchange_write(stream, "abc", 3), -EPIPE);
	http_exchange_end(stream);
	say(fd, "GET /hello HTTP/1.1\r\n\r\n");
	assert_true(read_until(fd, "hello", text, sizeof(text)));
	assert_non_null(strstr(text, "Cache-Control: no-store\r\n\r\nHTTP/1.1 200 OK\r\n"));
	assert_int_equal(n_gone, 0);
}

/* The next request may be here before the stream has ended; it waits. */
static void test_next_request_waits(void **state)
{
	AUTO_CLOSE int fd =
		ask("GET /stream HTTP/1.1\r\n\r\nGET /hello HTTP/1.1\r\nConnection: close\r\n\r\n");
	char text[4096];

	(void)state;
	for (int i = 0; i < 10; i++)
		turn();
	send_text("abc");
	for (int i = 0; i < 10; i++)
		turn();
	http_exchange_end(stream);
	assert_true(read_until(fd, "", text, sizeof(text)));
	assert_non_null(strstr(text, "3\r\nabc\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n"));
	assert_non_null(strstr(text, "\r\n\r\nhello"));
	assert_int_equal(n_gone, 0);
}

/* More of it than the server reads ahead: the flood waits in the kernel, not here. */
static void test_flood_behind_the_request(void **state)
{
	AUTO_CLOSE int fd = ask("GET /stream HTTP/1.1\r\n\r\n");
	char flood[4096];
	unsigned stuck = 0;

	(void)state;
	memset(flood, 'a', sizeof(flood));
	for (uint64_t end = now_ms() + PATIENCE_MS; stuck < 50 && now_ms() < end; turn()) {
		stuck++;
		while (send(fd, flood, sizeof(flood), MSG_NOSIGNAL) > 0)
			stuck = 0;
	}
	assert_int_equal(stuck, 50);
	assert_int_equal(n_gone, 0);
	http_exchange_end(stream);
	assert_true(expect(fd, "431 "));
}

static void test_asker_leaves(void **state)
{
	(void)state;
	close(ask("GET /stream HTTP/1.1\r\n\r\n"));
	wait_until_gone();
	assert_null(stream);

	/* One that is reset, and whose handler takes its time. */
	n_gone = 0;
	end_when_gone = false;
	reset(ask("GET /stream HTTP/1.1\r\n\r\n"));
	wait_until_gone();
	assert_int_equal(http_exchange_write(stream, "abc", 3), -EPIPE);
	http_exchange_end(stream);
}

/* Bytes wait for one that reads nothing, up to the limit; it has request_ms to take some. */
static void test_slow_reader(void **state)
{
	char block[5000];
	int small = 4096, r = 0;

	(void)state;
	memset(block, 'b', sizeof(block));
	AUTO_CLOSE int fd = dial(port);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	say(fd, "GET /stream HTTP/1.1\r\n\r\n");
	wait_for_stream();
	assert_int_equal(http_exchange_write(stream, block, STREAM_BYTES + 1), -EMSGSIZE);
	size_t written = 0;
	for (uint64_t end = now_ms() + PATIENCE_MS; r == 0 && now_ms() < end;) {
		r = http_exchange_write(stream, block, sizeof(block));
		written += r == 0 ? sizeof(block) : 0;
		if (r == 0 && written % (10 * sizeof(block)) == 0)
			turn();
	}
	assert_int_equal(r, -ENOBUFS);
	unsigned told = n_writable;
	for (int i = 0; i < 20; i++)
		turn();
	assert_int_equal(n_gone, 0);

	/* It reads after all: there is room again, and the handler is told once. */
	for (uint64_t end = now_ms() + PATIENCE_MS; n_writable == told && now_ms() < end; turn())
		(void)recv(fd, block, sizeof(block), 0);
	assert_int_equal(n_writable, told + 1);
	memset(block, 'b', sizeof(block));
	assert_int_equal(http_exchange_write(stream, block, sizeof(block)), 0);
	written += sizeof(block);

	/* All of what was taken arrives, in order, and nothing else. */
	http_exchange_end(stream);
	size_t n_b = 0;
	char last[5] = "";
	for (uint64_t end = now_ms() + PATIENCE_MS; now_ms() < end; turn()) {
		ssize_t n = recv(fd, block, sizeof(block), 0);
		for (ssize_t i = 0; i < n; i++) {
			n_b += block[i] == 'b';
			memmove(last, last + 1, 4);
			last[4] = block[i];
		}
		if (memcmp(last, "0\r\n\r\n", 5) == 0)
			break;
	}
	assert_memory_equal(last, "0\r\n\r\n", 5);
	assert_true(n_b > 0 && n_b <= written);
	assert_int_equal(n_gone, 0);
}

static void test_reader_that_stops(void **state)
{
	char block[5000] = "";
	int small = 4096;
	uint64_t begin;

	(void)state;
	AUTO_CLOSE int fd = dial(port);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	say(fd, "GET /stream HTTP/1.1\r\n\r\n");
	wait_for_stream();
	while (http_exchange_write(stream, block, sizeof(block)) == 0)
		turn();
	begin = now_ms();
	wait_until_gone();
	assert_null(stream);
	assert_in_range(now_ms() - begin, REQUEST_MS / 2, PATIENCE_MS);
}

/* One that says nothing for long is not gone: only bytes that wait have a deadline. */
static void test_silence(void **state)
{
	AUTO_CLOSE int fd = ask("GET /stream HTTP/1.1\r\n\r\n");

	(void)state;
	for (uint64_t end = now_ms() + 2 * REQUEST_MS; now_ms() < end;)
		turn();
	assert_int_equal(n_gone, 0);
	send_text("still here");
	assert_true(expect(fd, "still here"));
	http_exchange_end(stream);
}

static void test_server_stops(void **state)
{
	AUTO_CLOSE int fd = ask("GET /stream HTTP/1.1\r\n\r\n");

	(void)state;
	http_server_free(server);
	server = NULL;
	assert_int_equal(n_gone, 1);
	assert_null(stream);
	assert_true(expect(fd, ""));
}

/* Whoever has nothing to say ends the connection. */
static void test_end_without_begin(void **state)
{
	AUTO_CLOSE int fd = dial(port);
	char text[256];

	(void)state;
	say(fd, "GET /nothing HTTP/1.1\r\n\r\n");
	assert_true(read_until(fd, "", text, sizeof(text)));
	assert_string_equal(text, "");
}

static void test_no_credentials_over_tcp(void **state)
{
	int fd = ask("GET /stream HTTP/1.1\r\n\r\n");
	struct ucred credentials;

	(void)state;
	assert_int_equal(http_exchange_credentials(stream, &credentials), -EOPNOTSUPP);
	http_exchange_end(stream);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_chunks, setup, stop),
		cmocka_unit_test_setup_teardown(test_http_1_0, setup, stop),
		cmocka_unit_test_setup_teardown(test_connection_close, setup, stop),
		cmocka_unit_test_setup_teardown(test_head, setup, stop),
		cmocka_unit_test_setup_teardown(test_next_request_waits, setup, stop),
		cmocka_unit_test_setup_teardown(test_flood_behind_the_request, setup, stop),
		cmocka_unit_test_setup_teardown(test_asker_leaves, setup, stop),
		cmocka_unit_test_setup_teardown(test_slow_reader, setup, stop),
		cmocka_unit_test_setup_teardown(test_reader_that_stops, setup, stop),
		cmocka_unit_test_setup_teardown(test_silence, setup, stop),
		cmocka_unit_test_setup_teardown(test_server_stops, setup, stop),
		cmocka_unit_test_setup_teardown(test_end_without_begin, setup, stop),
		cmocka_unit_test_setup_teardown(test_no_credentials_over_tcp, setup, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
