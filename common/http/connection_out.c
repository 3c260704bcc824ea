// SPDX-License-Identifier: BSD-2-Clause
/* The way out: an answer in one piece or as a stream, and what follows its last byte. */
#include "common/base/cleanup.h"
#include "common/http/connection.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <string.h>

static int send_head(struct http_connection *connection, const struct http_answer *answer,
		     enum http_framing framing, size_t length)
{
	AUTO_FREE char *head =
		http_answer_head(answer, framing, length, connection->close_after_reply);

	return head && bufferevent_write(connection->bev, head, strlen(head)) == 0 ? 0 : -ENOMEM;
}

void http_connection_reply(struct http_connection *connection, const struct http_answer *answer,
			   const char *body, size_t length)
{
	http_connection_move(connection, HTTP_REPLY);
	if (send_head(connection, answer, HTTP_FRAMING_LENGTH, length) < 0 ||
	    (connection->head.method != HTTP_METHOD_HEAD &&
	     bufferevent_write(connection->bev, body, length) < 0))
		http_connection_free(connection);
}

/* The asker has `request_ms` to take a part of what waits for it. */
void http_connection_stream_grew(struct http_connection *connection)
{
	if (!evtimer_pending(connection->deadline, NULL))
		http_connection_set_deadline(connection, connection->server->limits.request_ms);
}

int http_connection_begin_stream(struct http_connection *connection,
				 const struct http_answer *answer, enum http_framing framing)
{
	const struct http_server_limits *limits = &connection->server->limits;

	if (framing == HTTP_FRAMING_CLOSE)
		connection->close_after_reply = true;
	if (send_head(connection, answer, framing, 0) < 0)
		return -ENOMEM;
	if (connection->head.method == HTTP_METHOD_HEAD) {
		http_connection_move(connection, HTTP_REPLY);
		return -EPIPE;
	}
	http_connection_move(connection, HTTP_STREAMING);
	http_connection_stream_grew(connection);
	bufferevent_setwatermark(connection->bev, EV_WRITE, limits->stream_bytes / 2, 0);
	/* Only who reads learns that the asker has gone. */
	bufferevent_enable(connection->bev, EV_READ);
	return 0;
}

void http_connection_end_stream(struct http_connection *connection, bool chunked)
{
	if (connection->state != HTTP_STREAMING) { /* nothing was begun */
		http_connection_free(connection);
		return;
	}
	bufferevent_disable(connection->bev, EV_READ);
	bufferevent_setwatermark(connection->bev, EV_WRITE, 0, 0);
	http_connection_move(connection, HTTP_REPLY);
	if (chunked && bufferevent_write(connection->bev, "0\r\n\r\n", 5) < 0)
		http_connection_free(connection);
	else if (evbuffer_get_length(bufferevent_get_output(connection->bev)) == 0)
		bufferevent_trigger(connection->bev, EV_WRITE, BEV_TRIG_DEFER_CALLBACKS);
}

/* At most half of what may wait for the asker does so. */
static void on_stream_drained(struct http_connection *connection)
{
	struct http_exchange *exchange = connection->exchange;

	http_connection_set_deadline(connection, 0);
	if (evbuffer_get_length(bufferevent_get_output(connection->bev)) > 0)
		http_connection_stream_grew(connection);
	if (!exchange->blocked)
		return;
	exchange->blocked = false;
	if (exchange->ops->writable)
		exchange->ops->writable(exchange, exchange->arg);
}

/* All of the answer is with the kernel. */
void http_connection_written(struct bufferevent *bev, void *arg)
{
	struct http_connection *connection = arg;
	SSL *ssl = bufferevent_openssl_get_ssl(bev);

	if (connection->state == HTTP_STREAMING) {
		on_stream_drained(connection);
		return;
	}
	if (connection->state != HTTP_REPLY || evbuffer_get_length(bufferevent_get_output(bev)) > 0)
		return;
	if (!connection->close_after_reply) {
		http_connection_move(connection, HTTP_HEAD);
		bufferevent_enable(bev, EV_READ);
		/* A next request may be here already. */
		bufferevent_trigger(bev, EV_READ,
				    BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
		return;
	}
	http_connection_move(connection, HTTP_CLOSING);
	if (ssl) {
		(void)SSL_shutdown(ssl);
		ERR_clear_error();
	}
	(void)shutdown(bufferevent_getfd(bev), SHUT_WR);
	bufferevent_enable(bev, EV_READ);
}
