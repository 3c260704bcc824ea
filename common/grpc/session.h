/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One gRPC connection over HTTP/2 (RFC 9113), either side, on a bufferevent
 * that is already connected (and through its TLS handshake). Everything runs
 * in the loop's thread. The functions here only queue: callbacks come from the
 * loop, never from inside a call to one of them.
 */
#pragma once

#include "common/grpc/names.h"
#include "common/grpc/status.h"

#include <event2/bufferevent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct grpc_session;
struct grpc_call;

struct grpc_session_config {
	bool server;
	size_t max_message;        /* bytes, either way; 0: GRPC_MESSAGE_MAX */
	unsigned max_streams;      /* calls that the peer may have open at once */
	unsigned ping_interval_ms; /* ask after that long without a byte, while calls are open; 0:
				      never */
	unsigned ping_timeout_ms;  /* and close after that long without an answer */
	const char *authority;     /* client: the :authority header, copied */
};

struct grpc_session_ops {
	/*
	 * Server: a call to `path` begins. Answer with grpc_call_accept() here,
	 * or the call ends as UNIMPLEMENTED.
	 */
	void (*call_opened)(struct grpc_session *session, struct grpc_call *call, const char *path,
			    void *arg);
	/* Client: the peer takes no new calls (GOAWAY); those under way go on. May be NULL. */
	void (*draining)(struct grpc_session *session, void *arg);
	/* Client: the peer has told, or told anew, how many calls it admits. May be NULL. */
	void (*settled)(struct grpc_session *session, void *arg);
	/* The connection is gone, all its calls have been closed. Free the session, here or later.
	 */
	void (*closed)(struct grpc_session *session, const char *reason, void *arg);
};

struct grpc_call_ops {
	/* A message has come; `data` is valid during the call. */
	void (*message)(struct grpc_call *call, const uint8_t *data, size_t length, void *arg);
	/* The peer's response headers are here: it has taken the call. Client only, may be NULL. */
	void (*accepted)(struct grpc_call *call, void *arg);
	/* The peer sends no more messages. Server only, may be NULL. */
	void (*half_closed)(struct grpc_call *call, void *arg);
	/*
	 * The end: the peer's status, a reset, the deadline or the loss of the
	 * connection. Called once, unless this side ended the call itself with
	 * grpc_call_end() or grpc_call_cancel(). `call` is invalid afterwards.
	 */
	void (*closed)(struct grpc_call *call, int status, const char *text, void *arg);
};

/* Takes `bev` in any case. 0 or a negative errno. */
int grpc_session_new(struct bufferevent *bev, const struct grpc_session_config *config,
		     const struct grpc_session_ops *ops, void *arg, struct grpc_session **ret);

/*
 * Calls still open are closed as UNAVAILABLE with `reason`, then GOAWAY is
 * sent as far as the socket takes it, then everything is freed. May be called
 * from any callback. ops->closed is not called. NULL is fine.
 */
void grpc_session_free(struct grpc_session *session, const char *reason);

/* The peer has said that it was asked too often (gRPC A8): PING it more rarely from now on. */
bool grpc_session_wants_calm(const struct grpc_session *session);
/* Whether a client may open calls: connected, no GOAWAY. */
bool grpc_session_is_usable(const struct grpc_session *session);
/* Client: calls that the peer admits at once (RFC 9113 section 6.5.2); those beyond wait. 0: it has
 * not told yet. */
uint32_t grpc_session_max_calls(const struct grpc_session *session);
size_t grpc_session_n_calls(const struct grpc_session *session);

/*
 * Client: begin a call. `timeout_ms` is sent as grpc-timeout and kept here
 * (0: none). -ENOTCONN: not usable, -ENOMEM.
 */
int grpc_call_open(struct grpc_session *session, const char *path, unsigned timeout_ms,
		   const struct grpc_call_ops *ops, void *arg, struct grpc_call **ret);

/* Server: take a call, see call_opened. */
void grpc_call_accept(struct grpc_call *call, const struct grpc_call_ops *ops, void *arg);

/*
 * Queue one message (copied). -EMSGSIZE: over max_message; -ENOBUFS: the
 * peer does not read and too much is queued; -EPIPE: this side has finished.
 */
int grpc_call_send(struct grpc_call *call, const uint8_t *data, size_t length);

/* Server: send the response headers now instead of with the first message. */
int grpc_call_send_headers(struct grpc_call *call);

/* Client: no more messages from here. */
void grpc_call_finish(struct grpc_call *call);

/* Server: status and text end the call; `call` is invalid afterwards. */
void grpc_call_end(struct grpc_call *call, int status, const char *text);

/* Reset the stream; `call` is invalid afterwards. */
void grpc_call_cancel(struct grpc_call *call);

/* End the call as if the peer had: ops->closed is called from inside, the peer is told. */
void grpc_call_abort(struct grpc_call *call, int status, const char *text);

struct grpc_session *grpc_call_session(const struct grpc_call *call);
