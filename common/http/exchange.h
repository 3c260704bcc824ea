/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One request and its answer, as a handler sees them. Everything runs in the
 * loop's thread. Each exchange is answered exactly once, either in one piece,
 * by http_exchange_reply(), or as a stream: http_exchange_begin(), any number
 * of http_exchange_write() over any time, http_exchange_end().
 */
#pragma once

#include "common/http/answer.h"
#include "common/http/head.h"

#include <sys/socket.h>

struct http_exchange;

/* Borrowed, valid until the answer begins. */
enum http_method http_exchange_method(const struct http_exchange *exchange);
const char *http_exchange_path(const struct http_exchange *exchange);
const char *http_exchange_body(const struct http_exchange *exchange, size_t *ret_length);
/* Whether the request's Content-Type is `type`, whatever its parameters. */
bool http_exchange_has_type(const struct http_exchange *exchange, const char *type);

/*
 * Which process asks, for a server on a Unix socket: as of its connect().
 * -ENOTCONN: it has gone; -EOPNOTSUPP: a connection over TCP.
 */
int http_exchange_credentials(const struct http_exchange *exchange, struct ucred *ret);

/* Answer in one piece and free the exchange. Nothing is sent if the asker has gone. */
void http_exchange_reply(struct http_exchange *exchange, const struct http_answer *answer,
			 const char *body, size_t length);

/* Both are called from the loop, never from inside a function of the exchange. */
struct http_stream_ops {
	/* There is room again after a write was refused with -ENOBUFS. May be NULL. */
	void (*writable)(struct http_exchange *exchange, void *arg);
	/*
	 * The asker has gone, or has not read for the server's `request_ms`. The
	 * exchange stays, to be freed with http_exchange_end(), here or later.
	 * An asker that only closes its half of the connection counts as gone
	 * too: TCP does not tell the two apart.
	 */
	void (*gone)(struct http_exchange *exchange, void *arg);
};

/*
 * Begin a streamed answer: its head goes out at once. `ops` and what it points
 * to stay until http_exchange_end(), which has to follow whatever this
 * returns. -EPIPE: nobody wants the body, for the asker has gone or the method
 * was HEAD; -ENOMEM. After a failure `gone` is not called.
 */
int http_exchange_begin(struct http_exchange *exchange, const struct http_answer *answer,
			const struct http_stream_ops *ops, void *arg);

/*
 * Queue bytes of the body, all or none of them. -ENOBUFS: the asker reads too
 * slowly, more than the server's `stream_bytes` would wait for it; `writable`
 * will be called. -EMSGSIZE: they are more than that by themselves. -EPIPE: the
 * asker has gone; -ENOMEM: the connection is lost. After -EPIPE and -ENOMEM
 * `gone` is not called any more.
 */
int http_exchange_write(struct http_exchange *exchange, const void *data, size_t length);

/* The end of a streamed answer; frees the exchange. What is queued is still sent. */
void http_exchange_end(struct http_exchange *exchange);
