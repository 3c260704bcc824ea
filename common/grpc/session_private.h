/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of a session share: session.c, call.c and http2.c. */
#pragma once

#include "common/grpc/frame.h"
#include "common/grpc/session.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <nghttp2/nghttp2.h>
#include <sys/queue.h>

#define PATH_MAX_LENGTH 128
#define HEADERS_MAX     (16u << 10) /* bytes of names and values of one call */
/* In largest messages: unfinished ones of one connection, and what waits to be sent on it. */
#define PARTIAL_MESSAGES_MAX 4
#define QUEUED_MESSAGES_MAX  8
#define OUTPUT_HIGH          (256u << 10) /* bytes handed to the socket's buffer ahead */
#define OUTPUT_LOW           (64u << 10)
#define STREAM_WINDOW        (1u << 20)
#define CONNECTION_WINDOW    (8u << 20)
#define STALE_MS             5000 /* after such a silence a new call is joined by a PING */
#define STALE_TIMEOUT_MS     5000

/*
 * Where a call is: BEGINNING (headers being received or sent), OPEN, ENDED
 * (the application is done with it or has been told; the stream lingers until
 * its last frame is out).
 */
enum call_state {
	CALL_BEGINNING,
	CALL_OPEN,
	CALL_ENDED,
};

struct grpc_call {
	LIST_ENTRY(grpc_call) link;
	struct grpc_session *session;
	int32_t stream;
	enum call_state state;
	const struct grpc_call_ops *ops;
	void *arg;
	struct event *deadline;
	struct grpc_frame_reader reader;
	struct evbuffer *output; /* frames waiting for the peer's window */
	bool headers_sent;       /* server: response headers are submitted */
	bool finished;           /* no more messages from this side */
	bool remote_done;        /* none from the other */
	size_t header_bytes;
	char path[PATH_MAX_LENGTH + 1];
	bool is_post;
	bool content_type_ok;
	bool has_timeout;
	unsigned timeout_ms;
	int http_status;
	int status; /* -1: none seen; the peer's, or on a server what this side ends with */
	char text[GRPC_TEXT_MAX + 1];
};

LIST_HEAD(grpc_call_list, grpc_call);

struct grpc_session {
	struct bufferevent *bev;
	nghttp2_session *http2;
	const struct grpc_session_ops *ops;
	void *arg;
	bool server;
	bool draining;
	bool settled; /* the peer's SETTINGS have come */
	bool wants_calm;
	bool dead;      /* no more I/O */
	bool announced; /* ops->closed has been called or must not be */
	bool freed;     /* free as soon as `busy` is zero */
	unsigned busy;  /* depth of callbacks and nghttp2 calls under way */
	size_t max_message;
	unsigned max_streams;
	struct grpc_call_list calls;
	size_t n_calls;
	size_t queued;  /* bytes in all the calls' output */
	size_t partial; /* bytes in all the calls' readers */
	struct event *flush;
	struct event *ping;
	unsigned ping_interval_ms, ping_timeout_ms;
	bool ping_pending;
	uint64_t ping_sent_ms, last_heard_ms; /* monotonic */
	char *authority;
	char reason[160]; /* why it died */
};

/* Around all that may call the application: a session that is freed meanwhile goes at the end. */
void grpc_session_enter(struct grpc_session *session);
void grpc_session_leave(struct grpc_session *session);
/* Write soon: from the loop, once for everything queued in this turn. */
void grpc_session_schedule(struct grpc_session *session);
/* The connection is beyond repair; tells the calls and the owner from the loop. */
void grpc_session_fail(struct grpc_session *session, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* A new call on a connection that was silent for long: find out whether it is still there. */
void grpc_session_probe(struct grpc_session *session);
void grpc_session_drain(struct grpc_session *session);

int grpc_http2_new(struct grpc_session *session);

struct grpc_call *grpc_call_new(struct grpc_session *session);
void grpc_call_free(struct grpc_call *call);
/* Tell the application, once. Then the call is ENDED. */
void grpc_call_close(struct grpc_call *call, int status, const char *text);
int grpc_call_set_deadline(struct grpc_call *call, unsigned ms);
ssize_t grpc_call_read_output(nghttp2_session *http2, int32_t stream, uint8_t *buffer,
			      size_t length, uint32_t *flags, nghttp2_data_source *source,
			      void *arg);
