// SPDX-License-Identifier: BSD-2-Clause
#include "common/http/exchange.h"

#include "common/base/cleanup.h"
#include "common/http/connection.h"

#include <errno.h>
#include <event2/buffer.h>
#include <string.h>
#include <strings.h>

enum http_method http_exchange_method(const struct http_exchange *exchange)
{
	return exchange->head.method;
}

const char *http_exchange_path(const struct http_exchange *exchange)
{
	return exchange->head.path;
}

const char *http_exchange_body(const struct http_exchange *exchange, size_t *ret_length)
{
	*ret_length = exchange->length;
	return exchange->body;
}

bool http_exchange_has_type(const struct http_exchange *exchange, const char *type)
{
	return strcasecmp(exchange->head.content_type, type) == 0;
}

int http_exchange_credentials(const struct http_exchange *exchange, struct ucred *ret)
{
	struct ucred credentials;
	socklen_t length = sizeof(credentials);

	if (!exchange->connection)
		return -ENOTCONN;
	/* For a connection over TCP the kernel succeeds, and says that nobody is there. */
	if (exchange->connection->peer.sa.ss_family != AF_UNIX)
		return -EOPNOTSUPP;
	if (getsockopt(bufferevent_getfd(exchange->connection->bev), SOL_SOCKET, SO_PEERCRED,
		       &credentials, &length) < 0)
		return -errno;
	*ret = credentials;
	return 0;
}

static void exchange_free(struct http_exchange *exchange)
{
	free(exchange->body);
	free(exchange);
}

/* From here on the two do not know each other: nothing that happens to one reaches the other. */
static struct http_connection *part(struct http_exchange *exchange)
{
	struct http_connection *connection = TAKE_PTR(exchange->connection);

	if (connection)
		connection->exchange = NULL;
	return connection;
}

void http_exchange_reply(struct http_exchange *exchange, const struct http_answer *answer,
			 const char *body, size_t length)
{
	struct http_connection *connection = part(exchange);

	exchange_free(exchange);
	if (connection)
		http_connection_reply(connection, answer, body, length);
}

int http_exchange_begin(struct http_exchange *exchange, const struct http_answer *answer,
			const struct http_stream_ops *ops, void *arg)
{
	struct http_connection *connection = exchange->connection;

	free(TAKE_PTR(exchange->body));
	exchange->length = 0;
	if (!connection)
		return -EPIPE;
	exchange->chunked = !exchange->head.is_1_0;
	int r = http_connection_begin_stream(
		connection, answer, exchange->chunked ? HTTP_FRAMING_CHUNKS : HTTP_FRAMING_CLOSE);
	if (r < 0) {
		(void)part(exchange);
		if (r != -EPIPE)
			http_connection_free(connection);
		return r;
	}
	exchange->ops = ops;
	exchange->arg = arg;
	return 0;
}

static int add_chunk(struct evbuffer *output, const void *data, size_t length)
{
	if (evbuffer_add_printf(output, "%zx\r\n", length) < 0 ||
	    evbuffer_add(output, data, length) < 0 || evbuffer_add(output, "\r\n", 2) < 0)
		return -ENOMEM;
	return 0;
}

int http_exchange_write(struct http_exchange *exchange, const void *data, size_t length)
{
	struct http_connection *connection = exchange->connection;

	if (!connection)
		return -EPIPE;
	struct evbuffer *output = bufferevent_get_output(connection->bev);
	size_t most = connection->server->limits.stream_bytes;
	if (length == 0) /* as a chunk it would mean the end */
		return 0;
	if (length > most)
		return -EMSGSIZE;
	if (evbuffer_get_length(output) + length > most) {
		exchange->blocked = true;
		return -ENOBUFS;
	}
	int r = exchange->chunked                        ? add_chunk(output, data, length)
		: evbuffer_add(output, data, length) < 0 ? -ENOMEM
							 : 0;
	if (r < 0)
		http_connection_free(part(exchange));
	else
		http_connection_stream_grew(connection);
	return r;
}

void http_exchange_end(struct http_exchange *exchange)
{
	struct http_connection *connection = part(exchange);
	bool chunked = exchange->chunked;

	exchange_free(exchange);
	if (connection)
		http_connection_end_stream(connection, chunked);
}
