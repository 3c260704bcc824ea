// SPDX-License-Identifier: BSD-2-Clause
/* What nghttp2 reports, turned into calls and messages. */
#include "common/base/cleanup.h"
#include "common/grpc/session_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ACKS_MAX     200 /* answers to PING and SETTINGS that wait for a peer that does not read */
#define SETTINGS_MAX 32  /* entries of one SETTINGS frame */

static struct grpc_call *find(struct grpc_session *session, int32_t stream)
{
	return nghttp2_session_get_stream_user_data(session->http2, stream);
}

static int on_begin_headers(nghttp2_session *http2, const nghttp2_frame *frame, void *arg)
{
	struct grpc_session *session = arg;

	if (!session->server || frame->hd.type != NGHTTP2_HEADERS ||
	    frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	struct grpc_call *call = grpc_call_new(session);
	if (!call)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	call->stream = frame->hd.stream_id;
	nghttp2_session_set_stream_user_data(http2, call->stream, call);
	return 0;
}

static bool is(const uint8_t *name, size_t length, const char *wanted)
{
	return length == strlen(wanted) && memcmp(name, wanted, length) == 0;
}

static int request_header(struct grpc_call *call, const uint8_t *name, size_t name_length,
			  const char *value, size_t length)
{
	if (is(name, name_length, ":path")) {
		if (length > PATH_MAX_LENGTH)
			return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
		memcpy(call->path, value, length);
		call->path[length] = '\0';
	} else if (is(name, name_length, ":method")) {
		call->is_post = length == 4 && memcmp(value, "POST", 4) == 0;
	} else if (is(name, name_length, "content-type")) {
		call->content_type_ok = grpc_content_type_ok(value, length);
	} else if (is(name, name_length, "grpc-timeout")) {
		call->has_timeout = grpc_timeout_parse(value, length, &call->timeout_ms) == 0;
	}
	return 0;
}

static int response_header(struct grpc_call *call, const uint8_t *name, size_t name_length,
			   const char *value, size_t length)
{
	if (is(name, name_length, ":status"))
		call->http_status = length == 3 ? (value[0] - '0') * 100 + (value[1] - '0') * 10 +
							  (value[2] - '0')
						: 0;
	else if (is(name, name_length, "content-type"))
		call->content_type_ok = grpc_content_type_ok(value, length);
	else if (is(name, name_length, "grpc-status"))
		call->status = grpc_status_parse(value, length);
	else if (is(name, name_length, "grpc-message"))
		grpc_percent_decode(value, length, call->text);
	return 0;
}

static int on_header(nghttp2_session *http2, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_length, const uint8_t *value, size_t length, uint8_t flags,
		     void *arg)
{
	struct grpc_session *session = arg;
	struct grpc_call *call = find(session, frame->hd.stream_id);

	(void)http2;
	(void)flags;
	if (!call || frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	call->header_bytes += name_length + length;
	if (call->header_bytes > HEADERS_MAX)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	if (!session->server)
		return response_header(call, name, name_length, (const char *)value, length);
	if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		return request_header(call, name, name_length, (const char *)value, length);
	return 0;
}

/* What an HTTP client that does not speak gRPC is told ("gRPC over HTTP2", Requests). */
static void refuse(struct grpc_call *call, int http_status, int status, const char *text)
{
	call->http_status = http_status;
	call->state = CALL_OPEN;
	grpc_call_end(call, status, text);
}

static void call_opened(struct grpc_session *session, struct grpc_call *call)
{
	if (session->freed || session->dead)
		return;
	if (!call->is_post) {
		refuse(call, 405, GRPC_UNIMPLEMENTED, "only POST is answered here");
		return;
	}
	if (!call->content_type_ok) {
		refuse(call, 415, GRPC_UNKNOWN, "only application/grpc is answered here");
		return;
	}
	if (call->has_timeout && grpc_call_set_deadline(call, call->timeout_ms) < 0) {
		refuse(call, 0, GRPC_RESOURCE_EXHAUSTED, "out of memory");
		return;
	}
	session->ops->call_opened(session, call, call->path, session->arg);
	if (call->state == CALL_BEGINNING)
		refuse(call, 0, GRPC_UNIMPLEMENTED, "there is no such method");
}

/* The peer's last frame. A client learns its status, a server that it may answer. */
static void remote_done(struct grpc_call *call)
{
	call->remote_done = true;
	if (call->state == CALL_ENDED)
		return;
	if (grpc_frame_is_partial(&call->reader)) {
		grpc_call_abort(call, GRPC_INTERNAL, "the stream ended inside a message");
		return;
	}
	if (call->session->server) {
		if (call->ops && call->ops->half_closed)
			call->ops->half_closed(call, call->arg);
		return;
	}
	if (call->status < 0)
		grpc_call_close(call, GRPC_UNKNOWN, "the peer ended the call without a status");
	else
		grpc_call_close(call, call->status, call->text);
	if (!call->finished) /* it no longer reads what is still being sent */
		(void)nghttp2_submit_rst_stream(call->session->http2, NGHTTP2_FLAG_NONE,
						call->stream, NGHTTP2_NO_ERROR);
}

static void response_headers(struct grpc_call *call)
{
	char text[64];

	if (call->state == CALL_ENDED)
		return;
	if (call->http_status != 200 && call->status < 0) {
		snprintf(text, sizeof(text), "the peer answered with HTTP status %d",
			 call->http_status);
		grpc_call_abort(call, grpc_status_from_http(call->http_status), text);
	} else if (!call->content_type_ok && call->status < 0) {
		grpc_call_abort(call, GRPC_UNKNOWN, "the peer's answer is not gRPC");
	} else if (call->status < 0 && call->ops && call->ops->accepted) {
		call->ops->accepted(call, call->arg);
	}
}

static int on_frame(nghttp2_session *http2, const nghttp2_frame *frame, void *arg)
{
	struct grpc_session *session = arg;
	struct grpc_call *call;

	(void)http2;
	if (frame->hd.type == NGHTTP2_GOAWAY && !session->server) {
		session->wants_calm = frame->goaway.error_code == NGHTTP2_ENHANCE_YOUR_CALM;
		grpc_session_drain(session);
	}
	if (frame->hd.type == NGHTTP2_SETTINGS && !(frame->hd.flags & NGHTTP2_FLAG_ACK) &&
	    !session->server) {
		session->settled = true;
		if (session->ops->settled && !session->freed && !session->announced)
			session->ops->settled(session, session->arg);
	}
	if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
		return 0;
	call = find(session, frame->hd.stream_id);
	if (!call)
		return 0;
	if (frame->hd.type == NGHTTP2_HEADERS && session->server &&
	    frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		call_opened(session, call);
	else if (frame->hd.type == NGHTTP2_HEADERS && !session->server &&
		 frame->headers.cat == NGHTTP2_HCAT_RESPONSE)
		response_headers(call);
	if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
		remote_done(call);
	return 0;
}

/* -ECANCELED stops the reader: the application has ended the call meanwhile. */
static int on_message(const uint8_t *data, size_t length, void *arg)
{
	struct grpc_call *call = arg;

	if (call->state != CALL_OPEN || !call->ops)
		return -ECANCELED;
	call->ops->message(call, data, length, call->arg);
	return call->state == CALL_ENDED ? -ECANCELED : 0;
}

static void abort_unreadable(struct grpc_call *call, int r)
{
	char text[96];

	switch (r) {
	case -ECANCELED:
		break;
	case -EMSGSIZE:
		snprintf(text, sizeof(text), "the message is longer than %zu bytes",
			 call->session->max_message);
		grpc_call_abort(call, GRPC_RESOURCE_EXHAUSTED, text);
		break;
	case -EOPNOTSUPP:
		grpc_call_abort(call, GRPC_UNIMPLEMENTED, "compressed messages are not taken");
		break;
	case -ENOMEM:
		grpc_call_abort(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
		break;
	default:
		grpc_call_abort(call, GRPC_INTERNAL, "the message has no valid frame");
		break;
	}
}

static int on_data(nghttp2_session *http2, uint8_t flags, int32_t stream, const uint8_t *data,
		   size_t length, void *arg)
{
	struct grpc_session *session = arg;
	struct grpc_call *call = find(session, stream);

	(void)http2;
	(void)flags;
	if (!call || call->state == CALL_ENDED)
		return 0;
	size_t before = call->reader.filled;
	int r = grpc_frame_read(&call->reader, data, length, on_message, call);
	if (r < 0) {
		grpc_frame_reader_done(&call->reader);
		abort_unreadable(call, r);
	}
	session->partial += call->reader.filled;
	session->partial -= before;
	if (session->partial > PARTIAL_MESSAGES_MAX * session->max_message)
		grpc_call_abort(call, GRPC_RESOURCE_EXHAUSTED,
				"too many unfinished messages on this connection");
	return 0;
}

static int on_stream_close(nghttp2_session *http2, int32_t stream, uint32_t code, void *arg)
{
	struct grpc_session *session = arg;
	struct grpc_call *call = find(session, stream);
	char text[96];

	(void)http2;
	if (!call)
		return 0;
	snprintf(text, sizeof(text), "the stream was reset: %s", nghttp2_http2_strerror(code));
	if (session->server)
		grpc_call_close(call, GRPC_CANCELLED, text);
	else
		grpc_call_close(call, grpc_status_from_reset(code), text);
	grpc_call_free(call);
	return 0;
}

/* A server that has answered before the request was complete takes no more of it. */
static int on_frame_sent(nghttp2_session *http2, const nghttp2_frame *frame, void *arg)
{
	struct grpc_session *session = arg;

	if (!session->server || frame->hd.type != NGHTTP2_HEADERS ||
	    !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		return 0;
	struct grpc_call *call = find(session, frame->hd.stream_id);
	if (call && !call->remote_done)
		(void)nghttp2_submit_rst_stream(http2, NGHTTP2_FLAG_NONE, call->stream,
						NGHTTP2_NO_ERROR);
	return 0;
}

static void cleanup_callbacks(nghttp2_session_callbacks **callbacks)
{
	nghttp2_session_callbacks_del(*callbacks);
}

static void cleanup_option(nghttp2_option **option)
{
	nghttp2_option_del(*option);
}

static int submit_settings(struct grpc_session *session)
{
	const nghttp2_settings_entry entries[] = {
		{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
		 session->server ? session->max_streams : 0},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW},
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HEADERS_MAX},
		{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
	};
	/* Only a client may speak of push (RFC 9113 section 6.5.2). */
	size_t n = sizeof(entries) / sizeof(entries[0]) - (session->server ? 1 : 0);

	if (nghttp2_submit_settings(session->http2, NGHTTP2_FLAG_NONE, entries, n) != 0 ||
	    nghttp2_session_set_local_window_size(session->http2, NGHTTP2_FLAG_NONE, 0,
						  CONNECTION_WINDOW) != 0)
		return -ENOMEM;
	return 0;
}

int grpc_http2_new(struct grpc_session *session)
{
	CLEANUP(cleanup_callbacks) nghttp2_session_callbacks *callbacks = NULL;
	CLEANUP(cleanup_option) nghttp2_option *option = NULL;
	int r;

	if (nghttp2_session_callbacks_new(&callbacks) != 0 || nghttp2_option_new(&option) != 0)
		return -ENOMEM;
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
	nghttp2_option_set_max_outbound_ack(option, ACKS_MAX);
	nghttp2_option_set_max_settings(option, SETTINGS_MAX);
	nghttp2_option_set_no_closed_streams(option, 1);
	if (session->server)
		r = nghttp2_session_server_new2(&session->http2, callbacks, session, option);
	else
		r = nghttp2_session_client_new2(&session->http2, callbacks, session, option);
	return r == 0 ? submit_settings(session) : -ENOMEM;
}
