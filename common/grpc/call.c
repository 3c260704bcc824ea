// SPDX-License-Identifier: BSD-2-Clause
/* One call: its messages on the way out, its deadline, its end. */
#include "common/base/cleanup.h"
#include "common/grpc/session_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/* The library copies names and values. */
static nghttp2_nv header(const char *name, const char *value)
{
	return (nghttp2_nv){
		.name = (uint8_t *)name,
		.value = (uint8_t *)value,
		.namelen = strlen(name),
		.valuelen = strlen(value),
	};
}

struct grpc_call *grpc_call_new(struct grpc_session *session)
{
	struct grpc_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->output = evbuffer_new();
	if (!call->output) {
		free(call);
		return NULL;
	}
	call->session = session;
	call->status = -1;
	grpc_frame_reader_init(&call->reader, session->max_message);
	LIST_INSERT_HEAD(&session->calls, call, link);
	session->n_calls++;
	return call;
}

void grpc_call_free(struct grpc_call *call)
{
	struct grpc_session *session = call->session;

	LIST_REMOVE(call, link);
	session->n_calls--;
	session->queued -= evbuffer_get_length(call->output);
	session->partial -= call->reader.filled;
	grpc_frame_reader_done(&call->reader);
	evbuffer_free(call->output);
	if (call->deadline)
		event_free(call->deadline);
	free(call);
}

/* The application lets go, or is made to. What it has queued is still sent. */
static void detach(struct grpc_call *call)
{
	call->state = CALL_ENDED;
	if (call->deadline)
		event_del(call->deadline);
}

void grpc_call_close(struct grpc_call *call, int status, const char *text)
{
	const struct grpc_call_ops *ops = call->ops;

	if (call->state == CALL_ENDED)
		return;
	detach(call);
	if (ops)
		ops->closed(call, status, text, call->arg);
}

static void reset(struct grpc_call *call, uint32_t code)
{
	struct grpc_session *session = call->session;

	if (session->dead)
		return;
	session->queued -= evbuffer_get_length(call->output);
	(void)evbuffer_drain(call->output, evbuffer_get_length(call->output));
	(void)nghttp2_submit_rst_stream(session->http2, NGHTTP2_FLAG_NONE, call->stream, code);
	grpc_session_schedule(session);
}

static int submit_trailers(struct grpc_call *call)
{
	char status[4], text[GRPC_ENCODED_MAX];

	snprintf(status, sizeof(status), "%d", call->status & 0xff);
	grpc_percent_encode(call->text, text);
	const nghttp2_nv trailers[] = {header("grpc-status", status), header("grpc-message", text)};
	return nghttp2_submit_trailer(call->session->http2, call->stream, trailers,
				      call->text[0] ? 2 : 1);
}

ssize_t grpc_call_read_output(nghttp2_session *http2, int32_t stream, uint8_t *buffer,
			      size_t length, uint32_t *flags, nghttp2_data_source *source,
			      void *arg)
{
	struct grpc_call *call = source->ptr;
	struct grpc_session *session = arg;

	(void)http2;
	(void)stream;
	int n = evbuffer_remove(call->output, buffer, length);
	if (n < 0)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	session->queued -= (size_t)n;
	if (evbuffer_get_length(call->output) == 0 && call->finished) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
		if (session->server) {
			*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
			if (submit_trailers(call) != 0)
				return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
		}
		return n;
	}
	return n > 0 ? n : NGHTTP2_ERR_DEFERRED;
}

static int submit_headers(struct grpc_call *call)
{
	const nghttp2_data_provider output = {{.ptr = call}, grpc_call_read_output};
	const nghttp2_nv headers[] = {
		header(":status", "200"),
		header("content-type", "application/grpc"),
	};

	if (nghttp2_submit_response(call->session->http2, call->stream, headers,
				    N_ELEMENTS(headers), &output) != 0)
		return -ENOMEM;
	call->headers_sent = true;
	return 0;
}

int grpc_call_send_headers(struct grpc_call *call)
{
	if (call->state == CALL_ENDED || call->session->dead)
		return -EPIPE;
	int r = call->headers_sent ? 0 : submit_headers(call);
	grpc_session_schedule(call->session);
	return r;
}

int grpc_call_send(struct grpc_call *call, const uint8_t *data, size_t length)
{
	struct grpc_session *session = call->session;
	uint8_t frame[GRPC_FRAME_HEADER];

	if (call->state == CALL_ENDED || call->finished || session->dead)
		return -EPIPE;
	if (length > session->max_message)
		return -EMSGSIZE;
	if (session->queued + length + sizeof(frame) > QUEUED_MESSAGES_MAX * session->max_message)
		return -ENOBUFS;
	if (evbuffer_expand(call->output, length + sizeof(frame)) < 0)
		return -ENOMEM;
	grpc_frame_header((uint32_t)length, frame);
	(void)evbuffer_add(call->output, frame, sizeof(frame));
	(void)evbuffer_add(call->output, data, length);
	session->queued += length + sizeof(frame);
	(void)nghttp2_session_resume_data(session->http2, call->stream);
	grpc_session_schedule(session);
	return session->server ? grpc_call_send_headers(call) : 0;
}

void grpc_call_finish(struct grpc_call *call)
{
	if (call->finished || call->session->dead)
		return;
	call->finished = true;
	(void)nghttp2_session_resume_data(call->session->http2, call->stream);
	grpc_session_schedule(call->session);
}

/* An answer without any message is one block of headers that is the trailers as well. */
static int submit_trailers_only(struct grpc_call *call)
{
	char http[4], status[4], text[GRPC_ENCODED_MAX];

	snprintf(http, sizeof(http), "%d", call->http_status ? call->http_status : 200);
	snprintf(status, sizeof(status), "%d", call->status & 0xff);
	grpc_percent_encode(call->text, text);
	const nghttp2_nv headers[] = {
		header(":status", http),
		header("content-type", "application/grpc"),
		header("grpc-status", status),
		header("grpc-message", text),
	};
	call->headers_sent = true;
	return nghttp2_submit_response(call->session->http2, call->stream, headers,
				       call->text[0] ? 4 : 3, NULL);
}

static void send_status(struct grpc_call *call, int status, const char *text)
{
	struct grpc_session *session = call->session;

	if (session->dead || call->finished)
		return;
	call->status = status;
	snprintf(call->text, sizeof(call->text), "%s", text ? text : "");
	call->finished = true;
	if (call->headers_sent)
		(void)nghttp2_session_resume_data(session->http2, call->stream);
	else if (submit_trailers_only(call) != 0)
		reset(call, NGHTTP2_INTERNAL_ERROR);
	grpc_session_schedule(session);
}

void grpc_call_end(struct grpc_call *call, int status, const char *text)
{
	if (call->state == CALL_ENDED)
		return;
	detach(call);
	send_status(call, status, text);
}

void grpc_call_cancel(struct grpc_call *call)
{
	if (call->state == CALL_ENDED)
		return;
	detach(call);
	reset(call, NGHTTP2_CANCEL);
}

void grpc_call_abort(struct grpc_call *call, int status, const char *text)
{
	bool server = call->session->server;

	if (call->state == CALL_ENDED)
		return;
	grpc_call_close(call, status, text);
	if (server)
		send_status(call, status, text);
	else
		reset(call, NGHTTP2_CANCEL);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct grpc_call *call = arg;
	struct grpc_session *session = call->session;

	grpc_session_enter(session); /* the application may free the session */
	grpc_call_abort(call, GRPC_DEADLINE_EXCEEDED, "the deadline has passed");
	grpc_session_leave(session);
}

int grpc_call_set_deadline(struct grpc_call *call, unsigned ms)
{
	const struct timeval after = {ms / 1000, (suseconds_t)(ms % 1000) * 1000};

	call->deadline = evtimer_new(bufferevent_get_base(call->session->bev), on_deadline, call);
	if (!call->deadline || event_add(call->deadline, &after) < 0)
		return -ENOMEM;
	return 0;
}

static int submit_request(struct grpc_call *call, const char *path, unsigned timeout_ms)
{
	const nghttp2_data_provider output = {{.ptr = call}, grpc_call_read_output};
	char timeout[GRPC_TIMEOUT_MAX];

	grpc_timeout_format(timeout_ms, timeout);
	const nghttp2_nv headers[] = {
		header(":method", "POST"),
		header(":scheme", "https"),
		header(":path", path),
		header(":authority", call->session->authority),
		header("te", "trailers"),
		header("content-type", "application/grpc"),
		header("user-agent", "grpc-c-passage"),
		header("grpc-timeout", timeout),
	};
	size_t n = N_ELEMENTS(headers) - (timeout_ms > 0 ? 0 : 1);
	int32_t stream =
		nghttp2_submit_request(call->session->http2, NULL, headers, n, &output, call);
	if (stream == NGHTTP2_ERR_STREAM_ID_NOT_AVAILABLE)
		return -ENOTCONN;
	if (stream < 0)
		return -ENOMEM;
	call->stream = stream;
	return 0;
}

int grpc_call_open(struct grpc_session *session, const char *path, unsigned timeout_ms,
		   const struct grpc_call_ops *ops, void *arg, struct grpc_call **ret)
{
	if (!grpc_session_is_usable(session))
		return -ENOTCONN;
	struct grpc_call *call = grpc_call_new(session);
	if (!call)
		return -ENOMEM;
	int r = timeout_ms > 0 ? grpc_call_set_deadline(call, timeout_ms) : 0;
	if (r == 0)
		r = submit_request(call, path, timeout_ms);
	if (r < 0) {
		grpc_call_free(call);
		return r;
	}
	call->ops = ops;
	call->arg = arg;
	call->state = CALL_OPEN;
	grpc_session_probe(session);
	grpc_session_schedule(session);
	*ret = call;
	return 0;
}

void grpc_call_accept(struct grpc_call *call, const struct grpc_call_ops *ops, void *arg)
{
	call->ops = ops;
	call->arg = arg;
	call->state = CALL_OPEN;
}

struct grpc_session *grpc_call_session(const struct grpc_call *call)
{
	return call->session;
}
