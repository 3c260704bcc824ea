// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/grpc/session_private.h"

#include <errno.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Frames that nghttp2 may hold for a peer that asks much and reads nothing. */
#define OUTBOUND_FRAMES_MAX 4096

/* Past libevent's buffer; false: the socket does not take all of it at once. */
static bool write_now(struct grpc_session *session, SSL *ssl, const void *data, size_t length)
{
	const uint8_t *bytes = data;

	while (length > 0) {
		ssize_t n =
			ssl ? SSL_write(ssl, bytes, (int)length)
			    : send(bufferevent_getfd(session->bev), bytes, length, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		bytes += n;
		length -= (size_t)n;
	}
	return true;
}

/* What waits there for the next turn of the loop, which will not come. */
static bool write_output(struct grpc_session *session, SSL *ssl)
{
	struct evbuffer *output = bufferevent_get_output(session->bev);
	struct evbuffer_ptr at;
	struct evbuffer_iovec part;

	for (evbuffer_ptr_set(output, &at, 0, EVBUFFER_PTR_SET);
	     evbuffer_peek(output, -1, &at, &part, 1) > 0;
	     evbuffer_ptr_set(output, &at, part.iov_len, EVBUFFER_PTR_ADD)) {
		if (!write_now(session, ssl, part.iov_base, part.iov_len))
			return false;
	}
	return true;
}

static bool write_frames(struct grpc_session *session, SSL *ssl)
{
	const uint8_t *data;
	ssize_t n;

	while ((n = nghttp2_session_mem_send(session->http2, &data)) > 0)
		if (!write_now(session, ssl, data, (size_t)n))
			return false;
	return n == 0;
}

/*
 * What was said already, and that this was no accident. What the socket does not
 * take is dropped.
 */
static void say_goodbye(struct grpc_session *session)
{
	SSL *ssl = bufferevent_openssl_get_ssl(session->bev);

	if (write_output(session, ssl) && write_frames(session, ssl) &&
	    nghttp2_session_terminate_session(session->http2, NGHTTP2_NO_ERROR) == 0 &&
	    write_frames(session, ssl) && ssl)
		(void)SSL_shutdown(ssl);
	ERR_clear_error();
}

static void destroy(struct grpc_session *session)
{
	struct grpc_call *call;

	if (session->http2 && !session->dead)
		say_goodbye(session);
	nghttp2_session_del(session->http2);
	while ((call = LIST_FIRST(&session->calls)))
		grpc_call_free(call);
	if (session->flush)
		event_free(session->flush);
	if (session->ping)
		event_free(session->ping);
	bufferevent_free(session->bev);
	free(session->authority);
	free(session);
}

void grpc_session_enter(struct grpc_session *session)
{
	session->busy++;
}

void grpc_session_leave(struct grpc_session *session)
{
	if (--session->busy == 0 && session->freed)
		destroy(session);
}

static void close_calls(struct grpc_session *session, const char *reason)
{
	struct grpc_call *call;

	/* None is unlinked meanwhile: a call goes when its stream closes, in nghttp2. */
	for (call = LIST_FIRST(&session->calls); call; call = LIST_NEXT(call, link))
		grpc_call_close(call, GRPC_UNAVAILABLE, reason);
}

void grpc_session_schedule(struct grpc_session *session)
{
	event_active(session->flush, EV_TIMEOUT, 0);
}

void grpc_session_fail(struct grpc_session *session, const char *format, ...)
{
	va_list args;

	if (session->dead)
		return;
	session->dead = true;
	va_start(args, format);
	vsnprintf(session->reason, sizeof(session->reason), format, args);
	va_end(args);
	grpc_session_schedule(session);
}

static void announce_death(struct grpc_session *session)
{
	if (session->announced)
		return;
	session->announced = true;
	bufferevent_disable(session->bev, EV_READ | EV_WRITE);
	event_del(session->ping);
	close_calls(session, session->reason);
	if (!session->freed)
		session->ops->closed(session, session->reason, session->arg);
}

static void pump(struct grpc_session *session)
{
	struct evbuffer *output = bufferevent_get_output(session->bev);
	const uint8_t *data;

	while (!session->dead && !session->freed && evbuffer_get_length(output) < OUTPUT_HIGH) {
		ssize_t n = nghttp2_session_mem_send(session->http2, &data);
		if (n < 0)
			grpc_session_fail(session, "HTTP/2: %s", nghttp2_strerror((int)n));
		else if (n > 0 && bufferevent_write(session->bev, data, (size_t)n) < 0)
			grpc_session_fail(session, "out of memory");
		if (n <= 0)
			break;
	}
	if (!session->dead && evbuffer_get_length(output) == 0 &&
	    !nghttp2_session_want_read(session->http2) &&
	    !nghttp2_session_want_write(session->http2))
		grpc_session_fail(session, "the connection was closed");
}

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
	struct grpc_session *session = arg;

	(void)fd;
	(void)what;
	grpc_session_enter(session);
	if (!session->dead)
		pump(session);
	if (session->dead)
		announce_death(session);
	grpc_session_leave(session);
}

static void on_write(struct bufferevent *bev, void *arg)
{
	struct grpc_session *session = arg;

	(void)bev;
	if (!session->dead)
		grpc_session_schedule(session);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct grpc_session *session = arg;
	struct evbuffer *input = bufferevent_get_input(bev);
	size_t length;

	grpc_session_enter(session);
	session->last_heard_ms = clock_now_ms();
	while (!session->dead && !session->freed &&
	       (length = evbuffer_get_contiguous_space(input)) > 0) {
		const uint8_t *data = evbuffer_pullup(input, (ev_ssize_t)length);
		ssize_t n = nghttp2_session_mem_recv(session->http2, data, length);
		if (n < 0)
			grpc_session_fail(session, "HTTP/2: %s", nghttp2_strerror((int)n));
		(void)evbuffer_drain(input, length);
	}
	if (!session->dead &&
	    nghttp2_session_get_outbound_queue_size(session->http2) > OUTBOUND_FRAMES_MAX)
		grpc_session_fail(session, "the peer asks much and reads nothing");
	grpc_session_schedule(session);
	grpc_session_leave(session);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct grpc_session *session = arg;
	int error = EVUTIL_SOCKET_ERROR();
	unsigned long tls = bufferevent_get_openssl_error(bev);

	if (what & BEV_EVENT_EOF)
		grpc_session_fail(session, "the peer closed the connection");
	else if (tls && ERR_reason_error_string(tls))
		grpc_session_fail(session, "TLS: %s", ERR_reason_error_string(tls));
	else
		grpc_session_fail(session, "connection lost: %s",
				  error ? evutil_socket_error_to_string(error) : "reset");
}

void grpc_session_drain(struct grpc_session *session)
{
	if (session->draining)
		return;
	session->draining = true;
	if (session->ops->draining && !session->freed && !session->announced)
		session->ops->draining(session, session->arg);
}

static int start(struct grpc_session *session, const struct grpc_session_config *config)
{
	struct event_base *base = bufferevent_get_base(session->bev);

	session->flush = event_new(base, -1, 0, on_flush, session);
	session->ping = event_new(base, -1, 0, grpc_session_ping_timer, session);
	session->authority = strdup(config->authority ? config->authority : "");
	if (!session->flush || !session->ping || !session->authority)
		return -ENOMEM;
	int r = grpc_http2_new(session);
	if (r < 0)
		return r;
	if (session->ping_interval_ms > 0)
		grpc_session_arm_ping(session, session->ping_interval_ms);
	bufferevent_setcb(session->bev, on_read, on_write, on_event, session);
	bufferevent_setwatermark(session->bev, EV_WRITE, OUTPUT_LOW, 0);
	bufferevent_enable(session->bev, EV_READ | EV_WRITE);
	/* What came along with the end of the handshake raises no event of its own. */
	if (evbuffer_get_length(bufferevent_get_input(session->bev)) > 0)
		bufferevent_trigger(session->bev, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
	grpc_session_schedule(session);
	return 0;
}

int grpc_session_new(struct bufferevent *bev, const struct grpc_session_config *config,
		     const struct grpc_session_ops *ops, void *arg, struct grpc_session **ret)
{
	struct grpc_session *session = calloc(1, sizeof(*session));

	if (!session) {
		bufferevent_free(bev);
		return -ENOMEM;
	}
	LIST_INIT(&session->calls);
	session->bev = bev;
	session->ops = ops;
	session->arg = arg;
	session->server = config->server;
	session->max_message = config->max_message ? config->max_message : GRPC_MESSAGE_MAX;
	session->max_streams = config->max_streams;
	session->ping_interval_ms = config->ping_interval_ms;
	session->ping_timeout_ms = config->ping_timeout_ms;
	session->last_heard_ms = clock_now_ms();
	int r = start(session, config);
	if (r < 0) {
		session->dead = true;
		destroy(session);
		return r;
	}
	*ret = session;
	return 0;
}

void grpc_session_free(struct grpc_session *session, const char *reason)
{
	if (!session || session->freed)
		return;
	grpc_session_enter(session);
	session->freed = true;
	session->announced = true;
	close_calls(session, reason);
	grpc_session_leave(session);
}

uint32_t grpc_session_max_calls(const struct grpc_session *session)
{
	return session->settled ? nghttp2_session_get_remote_settings(
					  session->http2, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
				: 0;
}

bool grpc_session_is_usable(const struct grpc_session *session)
{
	return !session->dead && !session->freed && !session->draining;
}

size_t grpc_session_n_calls(const struct grpc_session *session)
{
	return session->n_calls;
}
