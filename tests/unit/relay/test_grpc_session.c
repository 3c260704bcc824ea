// SPDX-License-Identifier: BSD-2-Clause
#include "relay/grpc_session.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <nghttp2/nghttp2.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define BIG (1u << 20)

/* One end of a call, as an application keeps it. */
struct end {
	struct grpc_call *call;
	size_t n_messages, n_bytes;
	uint8_t *last;
	size_t last_length;
	bool accepted, half_closed, closed;
	int status;
	char text[128];
	bool echo;   /* server: answer each message with itself and end at half-close */
	bool silent; /* server: never answer */
	bool free_session;
};

struct fixture {
	struct event_base *base;
	struct grpc_session *client, *server;
	SSL_CTX *context;
	struct end server_ends[16];
	size_t n_server_ends;
	bool echo, free_on_message;
	bool client_closed, server_closed, client_draining;
	char client_reason[160];
};

static void on_message(struct grpc_call *call, const uint8_t *data, size_t length, void *arg)
{
	struct end *end = arg;

	end->n_messages++;
	end->n_bytes += length;
	free(end->last);
	end->last = malloc(length + 1);
	memcpy(end->last, data, length);
	end->last_length = length;
	if (end->echo)
		assert_int_equal(grpc_call_send(call, data, length), 0);
	if (end->free_session) {
		end->call = NULL;
		grpc_session_free(grpc_call_session(call), "freed by a callback");
	}
}

static void on_accepted(struct grpc_call *call, void *arg)
{
	(void)call;
	((struct end *)arg)->accepted = true;
}

static void on_half_closed(struct grpc_call *call, void *arg)
{
	struct end *end = arg;

	end->half_closed = true;
	if (end->echo) {
		end->call = NULL;
		grpc_call_end(call, GRPC_OK, NULL);
	}
}

static void on_call_closed(struct grpc_call *call, int status, const char *text, void *arg)
{
	struct end *end = arg;

	(void)call;
	assert_false(end->closed);
	end->closed = true;
	end->call = NULL;
	end->status = status;
	snprintf(end->text, sizeof(end->text), "%s", text);
}

static const struct grpc_call_ops call_ops = {
	.message = on_message,
	.accepted = on_accepted,
	.half_closed = on_half_closed,
	.closed = on_call_closed,
};

static void on_opened(struct grpc_session *session, struct grpc_call *call, const char *path,
		      void *arg)
{
	struct fixture *f = arg;

	(void)session;
	if (strcmp(path, GRPC_HYPER_CALL) != 0)
		return;
	assert_true(f->n_server_ends < 16);
	struct end *end = &f->server_ends[f->n_server_ends++];
	end->echo = f->echo;
	end->free_session = f->free_on_message;
	end->call = call;
	grpc_call_accept(call, &call_ops, end);
}

static void on_server_closed(struct grpc_session *session, const char *reason, void *arg)
{
	struct fixture *f = arg;

	(void)reason;
	f->server_closed = true;
	f->server = NULL;
	grpc_session_free(session, reason);
}

static void on_client_closed(struct grpc_session *session, const char *reason, void *arg)
{
	struct fixture *f = arg;

	f->client_closed = true;
	f->client = NULL;
	snprintf(f->client_reason, sizeof(f->client_reason), "%s", reason);
	grpc_session_free(session, reason);
}

static void on_draining(struct grpc_session *session, void *arg)
{
	(void)session;
	((struct fixture *)arg)->client_draining = true;
}

static const struct grpc_session_ops server_ops = {on_opened, NULL, on_server_closed};
static const struct grpc_session_ops client_ops = {NULL, on_draining, on_client_closed};

/* Turn the loop until *what holds; a test that hangs fails after ten seconds. */
static void until(struct fixture *f, const bool *what)
{
	time_t give_up = time(NULL) + 10;

	while (!*what) {
		assert_true(time(NULL) < give_up);
		const struct timeval slice = {0, 50000};
		event_base_loopexit(f->base, &slice);
		event_base_loop(f->base, EVLOOP_ONCE);
	}
}

static void turn(struct fixture *f, unsigned ms)
{
	const struct timeval slice = {0, (suseconds_t)ms * 1000};

	event_base_loopexit(f->base, &slice);
	event_base_dispatch(f->base);
}

static SSL_CTX *self_signed(void)
{
	SSL_CTX *context = SSL_CTX_new(TLS_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();

	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_set_pubkey(certificate, key);
	assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
	assert_int_equal(SSL_CTX_use_certificate(context, certificate), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return context;
}

static struct bufferevent *wrap(struct fixture *f, int fd, bool server)
{
	evutil_make_socket_nonblocking(fd);
	if (!f->context)
		return bufferevent_socket_new(f->base, fd, BEV_OPT_CLOSE_ON_FREE);
	return bufferevent_openssl_socket_new(f->base, fd, SSL_new(f->context),
					      server ? BUFFEREVENT_SSL_ACCEPTING
						     : BUFFEREVENT_SSL_CONNECTING,
					      BEV_OPT_CLOSE_ON_FREE);
}

static void connected(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	assert_int_equal(what, BEV_EVENT_CONNECTED);
	*(bool *)arg = true;
}

static void handshake(struct fixture *f, struct bufferevent *a, struct bufferevent *b)
{
	bool a_ready = false, b_ready = false;

	if (!f->context)
		return;
	bufferevent_setcb(a, NULL, NULL, connected, &a_ready);
	bufferevent_setcb(b, NULL, NULL, connected, &b_ready);
	bufferevent_enable(a, EV_READ | EV_WRITE);
	bufferevent_enable(b, EV_READ | EV_WRITE);
	until(f, &a_ready);
	until(f, &b_ready);
}

static struct fixture *setup(bool tls, unsigned ping_ms, int *raw_server)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct grpc_session_config server = {.server = true, .max_streams = 8};
	const struct grpc_session_config client = {
		.ping_interval_ms = ping_ms, .ping_timeout_ms = ping_ms, .authority = "hd-1"};
	struct bufferevent *a, *b;
	int fds[2];

	f->base = event_base_new();
	f->context = tls ? self_signed() : NULL;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	a = wrap(f, fds[0], false);
	if (raw_server) {
		*raw_server = fds[1];
	} else {
		b = wrap(f, fds[1], true);
		handshake(f, a, b);
		assert_int_equal(grpc_session_new(b, &server, &server_ops, f, &f->server), 0);
	}
	assert_int_equal(grpc_session_new(a, &client, &client_ops, f, &f->client), 0);
	return f;
}

static void teardown(struct fixture *f)
{
	grpc_session_free(f->client, "test over");
	grpc_session_free(f->server, "test over");
	for (size_t i = 0; i < f->n_server_ends; i++)
		free(f->server_ends[i].last);
	turn(f, 1);
	event_base_free(f->base);
	SSL_CTX_free(f->context);
	free(f);
}

static void open_call(struct fixture *f, struct end *end, unsigned timeout_ms)
{
	assert_int_equal(
		grpc_call_open(f->client, GRPC_HYPER_CALL, timeout_ms, &call_ops, end, &end->call),
		0);
}

static void exchange(bool tls, size_t length)
{
	struct fixture *f = setup(tls, 0, NULL);
	struct end end = {0};
	uint8_t *data = malloc(length + 1);

	for (size_t i = 0; i < length; i++)
		data[i] = (uint8_t)(i * 7 + i / 251);
	f->echo = true;
	open_call(f, &end, 5000);
	assert_int_equal(grpc_call_send(end.call, data, length), 0);
	grpc_call_finish(end.call);
	until(f, &end.closed);
	assert_int_equal(end.status, GRPC_OK);
	assert_true(end.accepted);
	assert_int_equal(end.n_messages, 1);
	assert_int_equal(end.last_length, length);
	assert_memory_equal(end.last, data, length);
	turn(f, 20);
	assert_int_equal(grpc_session_n_calls(f->client), 0);
	assert_int_equal(grpc_session_n_calls(f->server), 0);
	free(data);
	free(end.last);
	teardown(f);
}

static void test_small(void **state)
{
	(void)state;
	exchange(false, 100);
	exchange(false, 0);
}

/* Far above the flow-control windows of either side's defaults. */
static void test_big(void **state)
{
	(void)state;
	exchange(false, BIG);
	exchange(false, GRPC_MESSAGE_MAX);
}

static void test_tls(void **state)
{
	(void)state;
	exchange(true, 100);
	exchange(true, BIG);
}

static void test_too_long(void **state)
{
	struct fixture *f = setup(false, 0, NULL);
	struct end end = {0};
	uint8_t *data = calloc(1, GRPC_MESSAGE_MAX + 1);

	(void)state;
	open_call(f, &end, 0);
	assert_int_equal(grpc_call_send(end.call, data, GRPC_MESSAGE_MAX + 1), -EMSGSIZE);
	grpc_call_cancel(end.call);
	free(data);
	teardown(f);
}

/* A bidirectional stream: many messages both ways on one call. */
static void test_stream(void **state)
{
	struct fixture *f = setup(true, 0, NULL);
	struct end end = {0};
	uint8_t data[1000] = {0};

	(void)state;
	f->echo = true;
	open_call(f, &end, 0);
	for (int i = 0; i < 200; i++) {
		data[0] = (uint8_t)i;
		assert_int_equal(grpc_call_send(end.call, data, sizeof(data)), 0);
		if (i % 10 == 0)
			turn(f, 2);
	}
	grpc_call_finish(end.call);
	until(f, &end.closed);
	assert_int_equal(end.n_messages, 200);
	assert_int_equal(end.last[0], 199);
	free(end.last);
	teardown(f);
}

static void test_unknown_method(void **state)
{
	struct fixture *f = setup(false, 0, NULL);
	struct end end = {0};

	(void)state;
	assert_int_equal(grpc_call_open(f->client, "/Other/Call", 0, &call_ops, &end, &end.call),
			 0);
	until(f, &end.closed);
	assert_int_equal(end.status, GRPC_UNIMPLEMENTED);
	teardown(f);
}

static void test_status_text(void **state)
{
	static const char text[] = "100 % größer\n";
	struct fixture *f = setup(false, 0, NULL);
	struct end end = {0};

	(void)state;
	open_call(f, &end, 0);
	while (f->n_server_ends == 0)
		turn(f, 5);
	grpc_call_end(f->server_ends[0].call, GRPC_UNKNOWN, text);
	until(f, &end.closed);
	assert_int_equal(end.status, GRPC_UNKNOWN);
	assert_string_equal(end.text, "100 % größer?");
	teardown(f);
}

static void test_cancel(void **state)
{
	struct fixture *f = setup(false, 0, NULL);
	struct end end = {0}, unsent = {0};

	(void)state;
	open_call(f, &end, 0);
	assert_int_equal(grpc_call_send(end.call, (const uint8_t *)"x", 1), 0);
	open_call(f, &unsent, 0);
	grpc_call_cancel(unsent.call); /* before its headers went out */
	while (f->n_server_ends == 0 || f->server_ends[0].n_messages == 0)
		turn(f, 5);
	grpc_call_cancel(end.call);
	until(f, &f->server_ends[0].closed);
	assert_int_equal(f->server_ends[0].status, GRPC_CANCELLED);
	assert_false(end.closed);
	turn(f, 20);
	assert_int_equal(grpc_session_n_calls(f->client), 0);
	assert_int_equal(f->n_server_ends, 1);
	teardown(f);
}

static void test_deadline(void **state)
{
	struct fixture *f = setup(false, 0, NULL);
	struct end end = {0};

	(void)state;
	open_call(f, &end, 60);
	until(f, &end.closed);
	assert_int_equal(end.status, GRPC_DEADLINE_EXCEEDED);
	until(f, &f->server_ends[0].closed);
	turn(f, 20);
	assert_int_equal(grpc_session_n_calls(f->client), 0);
	assert_int_equal(grpc_session_n_calls(f->server), 0);
	teardown(f);
}

/* More calls than the server allows at once wait for their turn. */
static void test_concurrency(void **state)
{
	struct fixture *f = setup(false, 0, NULL);
	struct end ends[14] = {{0}};

	(void)state;
	f->echo = true;
	turn(f, 5);
	for (int i = 0; i < 14; i++) {
		open_call(f, &ends[i], 0);
		assert_int_equal(grpc_call_send(ends[i].call, (const uint8_t *)"x", 1), 0);
	}
	turn(f, 50);
	assert_int_equal(f->n_server_ends, 8);
	for (int i = 0; i < 14; i++)
		if (!ends[i].closed)
			grpc_call_finish(ends[i].call);
	for (int i = 0; i < 14; i++) {
		until(f, &ends[i].closed);
		assert_int_equal(ends[i].status, GRPC_OK);
		free(ends[i].last);
	}
	teardown(f);
}

static void test_connection_lost(void **state)
{
	struct fixture *f = setup(true, 0, NULL);
	struct end end = {0};

	(void)state;
	open_call(f, &end, 0);
	while (f->n_server_ends == 0)
		turn(f, 5);
	grpc_session_free(f->server, "going");
	f->server = NULL;
	assert_int_equal(f->server_ends[0].status, GRPC_UNAVAILABLE);
	until(f, &end.closed);
	assert_int_equal(end.status, GRPC_UNAVAILABLE);
	until(f, &f->client_closed);
	assert_true(f->client_draining); /* it was told, by GOAWAY */
	teardown(f);
}

static void test_free_in_callback(void **state)
{
	struct fixture *f = setup(true, 0, NULL);
	struct end end = {0};

	(void)state;
	f->free_on_message = true;
	open_call(f, &end, 0);
	assert_int_equal(grpc_call_send(end.call, (const uint8_t *)"x", 1), 0);
	struct grpc_session *server = f->server;
	f->server = NULL; /* freed by on_message */
	until(f, &end.closed);
	assert_int_equal(end.status, GRPC_UNAVAILABLE);
	assert_non_null(server);
	teardown(f);
}

/* GOAWAY with the call's stream still served: it ends well, new ones are refused at once. */
static void test_goaway(void **state)
{
	int fd;
	struct fixture *f = setup(false, 0, &fd);
	struct end end = {0};
	static const uint8_t frames[] = {
		0, 0, 0, 4, 0, 0, 0, 0, 0,                         /* SETTINGS */
		0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, /* GOAWAY, last stream 1 */
	};

	(void)state;
	open_call(f, &end, 0);
	turn(f, 10);
	assert_int_equal(write(fd, frames, sizeof(frames)), sizeof(frames));
	until(f, &f->client_draining);
	assert_false(end.closed);
	assert_false(grpc_session_is_usable(f->client));
	assert_int_equal(grpc_call_open(f->client, GRPC_HYPER_CALL, 0, &call_ops, &end, &end.call),
			 -ENOTCONN);
	close(fd);
	until(f, &end.closed);
	assert_int_equal(end.status, GRPC_UNAVAILABLE);
	teardown(f);
}

/* A peer that has vanished without a word. */
static void test_ping(void **state)
{
	int fd;
	struct fixture *f = setup(false, 100, &fd);
	struct end end = {0};

	(void)state;
	open_call(f, &end, 0);
	until(f, &f->client_closed);
	assert_non_null(strstr(f->client_reason, "PING"));
	assert_int_equal(end.status, GRPC_UNAVAILABLE);
	close(fd);
	teardown(f);
}

static void test_garbage(void **state)
{
	int fd;
	struct fixture *f = setup(false, 0, &fd);
	struct end end = {0};

	(void)state;
	open_call(f, &end, 0);
	assert_int_equal(write(fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28), 28);
	until(f, &f->client_closed);
	assert_true(end.closed);
	close(fd);
	teardown(f);
}

/* A server that never reads: what waits for it is bounded. */
static void test_back_pressure(void **state)
{
	int fd;
	struct fixture *f = setup(false, 0, &fd);
	struct end end = {0};
	uint8_t *data = calloc(1, BIG);
	int sent = 0, r;

	(void)state;
	open_call(f, &end, 0);
	while ((r = grpc_call_send(end.call, data, BIG)) == 0 && sent++ < 1000)
		turn(f, 1);
	assert_int_equal(r, -ENOBUFS);
	assert_in_range(sent, 16, 40);
	close(fd);
	until(f, &end.closed);
	free(data);
	teardown(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_big),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_unknown_method),
		cmocka_unit_test(test_status_text),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_concurrency),
		cmocka_unit_test(test_connection_lost),
		cmocka_unit_test(test_free_in_callback),
		cmocka_unit_test(test_goaway),
		cmocka_unit_test(test_ping),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_back_pressure),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
