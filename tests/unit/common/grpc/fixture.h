/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two sessions of gRPC in one loop, client and server, with or without TLS; or
 * a client whose server is a bare socket. Included by one test program each.
 */
#pragma once

#include "common/grpc/session.h"

#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
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
	bool echo; /* server: answer each message with itself and end at half-close */
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

static const struct grpc_session_ops server_ops = {.call_opened = on_opened,
						   .closed = on_server_closed};
static const struct grpc_session_ops client_ops = {.draining = on_draining,
						   .closed = on_client_closed};

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
