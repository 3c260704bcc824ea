// SPDX-License-Identifier: BSD-2-Clause
#include "common/http/connection.h"

#include "common/base/cleanup.h"
#include "common/base/log.h"
#include "common/net/listener.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

/* How long a refused client may go on sending what is thrown away. */
#define CLOSING_MS 2000

void http_connection_set_deadline(struct http_connection *connection, unsigned ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};

	if (ms == 0)
		(void)evtimer_del(connection->deadline);
	else
		(void)evtimer_add(connection->deadline, &tv);
}

void http_connection_move(struct http_connection *connection, enum http_state state)
{
	const struct http_server_limits *limits = &connection->server->limits;

	connection->state = state;
	switch (state) {
	case HTTP_HANDSHAKE:
	case HTTP_BODY:
	case HTTP_REPLY:
		http_connection_set_deadline(connection, limits->request_ms);
		break;
	case HTTP_HEAD:
		http_connection_set_deadline(connection, limits->idle_ms);
		break;
	case HTTP_HANDLING: /* whoever handles it has a deadline of its own */
	case HTTP_STREAMING:
		http_connection_set_deadline(connection, 0);
		break;
	case HTTP_CLOSING:
		http_connection_set_deadline(connection, CLOSING_MS);
		break;
	}
}

void http_connection_free(struct http_connection *connection)
{
	struct http_exchange *exchange;

	if (!connection)
		return;
	exchange = connection->exchange;
	if (connection->link) {
		*connection->link = connection->next;
		if (connection->next)
			connection->next->link = connection->link;
		connection->server->n_connections--;
	}
	if (exchange)
		exchange->connection = NULL;
	if (connection->deadline)
		event_free(connection->deadline);
	if (connection->bev)
		bufferevent_free(connection->bev);
	free(connection);
	if (exchange && exchange->ops)
		exchange->ops->gone(exchange, exchange->arg);
}

/* Refuse what is no proper request; the rest of the stream cannot be trusted. */
static void refuse(struct http_connection *connection, int status)
{
	const struct http_answer answer = {.status = status};
	char body[96];

	int n = snprintf(body, sizeof(body), "{\"message\":\"%s\"}",
			 http_answer_status_text(status));
	connection->close_after_reply = true;
	connection->head = (struct http_head){0};
	bufferevent_disable(connection->bev, EV_READ);
	http_connection_reply(connection, &answer, body, (size_t)n);
}

static void start_exchange(struct http_connection *connection)
{
	struct evbuffer *input = bufferevent_get_input(connection->bev);
	size_t length = (size_t)connection->head.content_length;
	struct http_exchange *exchange = calloc(1, sizeof(*exchange));

	if (exchange)
		exchange->body = malloc(length + 1);
	if (!exchange || !exchange->body) {
		free(exchange);
		http_connection_free(connection);
		return;
	}
	(void)evbuffer_remove(input, exchange->body, length);
	exchange->body[length] = '\0';
	exchange->length = length;
	exchange->head = connection->head;
	exchange->connection = connection;
	connection->exchange = exchange;
	connection->close_after_reply = !connection->head.keep_alive || !connection->admitted;
	bufferevent_disable(connection->bev, EV_READ);
	http_connection_move(connection, HTTP_HANDLING);
	if (connection->admitted)
		http_router_serve(connection->server->router, exchange);
	else
		connection->server->ops->refuse(exchange, connection->server->arg);
}

/* True when the head is complete and good. */
static bool read_head(struct http_connection *connection)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct evbuffer *input = bufferevent_get_input(connection->bev);
	const struct http_server_limits *limits = &connection->server->limits;
	size_t have = evbuffer_get_length(input);
	size_t look = have < limits->head_bytes ? have : limits->head_bytes;
	const char *text = (const char *)evbuffer_pullup(input, (ev_ssize_t)look);
	size_t length = text ? http_head_length(text, look) : 0;

	if (length == 0) {
		if (have >= limits->head_bytes)
			refuse(connection, 431);
		return false;
	}
	int status = http_head_parse(text, length, &connection->head);
	if (status == 0 && connection->head.content_length > limits->body_bytes)
		status = 413;
	if (status != 0) {
		refuse(connection, status);
		return false;
	}
	(void)evbuffer_drain(input, length);
	if (connection->head.expects_continue &&
	    evbuffer_get_length(input) < connection->head.content_length)
		(void)bufferevent_write(connection->bev, go_on, strlen(go_on));
	return true;
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct http_connection *connection = arg;
	struct evbuffer *input = bufferevent_get_input(bev);

	if (connection->state == HTTP_CLOSING) {
		(void)evbuffer_drain(input, evbuffer_get_length(input));
		return;
	}
	/*
	 * The next request, or a flood: enough of it. Not by libevent's high watermark,
	 * which calls this function again and again for as long as it is reached.
	 */
	if (connection->state == HTTP_STREAMING &&
	    evbuffer_get_length(input) >= connection->server->limits.head_bytes)
		bufferevent_disable(bev, EV_READ);
	if (connection->state == HTTP_HEAD) {
		/* The first byte ends the idle time and starts that of the request. */
		if (evbuffer_get_length(input) == 0)
			return;
		if (!connection->head_begun)
			http_connection_set_deadline(connection,
						     connection->server->limits.request_ms);
		connection->head_begun = true;
		if (!read_head(connection))
			return;
		connection->head_begun = false;
		http_connection_move(connection, HTTP_BODY);
	}
	if (connection->state == HTTP_BODY &&
	    evbuffer_get_length(input) >= connection->head.content_length)
		start_exchange(connection);
}

static void log_handshake_failure(const struct http_connection *connection)
{
	unsigned long code = bufferevent_get_openssl_error(connection->bev);
	const char *reason = code ? ERR_reason_error_string(code) : NULL;
	SSL *ssl = bufferevent_openssl_get_ssl(connection->bev);
	long verified = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;
	char peer[ADDR_TEXT_MAX];

	addr_format_anonymous(&connection->peer, peer);
	log_info("%s: TLS handshake with %s failed: %s%s%s",
		 listener_name(connection->server->listener), peer,
		 reason ? reason : "connection closed", verified == X509_V_OK ? "" : ": ",
		 verified == X509_V_OK ? "" : X509_verify_cert_error_string(verified));
}

static void on_event(struct bufferevent *bev, short events, void *arg)
{
	struct http_connection *connection = arg;
	const struct http_server *server = connection->server;

	if (events & BEV_EVENT_CONNECTED) {
		SSL *ssl = bufferevent_openssl_get_ssl(bev);
		if (server->ops)
			connection->admitted =
				server->ops->admit(ssl, &connection->peer, server->arg);
		http_connection_move(connection, HTTP_HEAD);
		return;
	}
	/* A client may close its half and still wait for the answer. */
	if ((events & BEV_EVENT_EOF) &&
	    (connection->state == HTTP_HANDLING || connection->state == HTTP_REPLY)) {
		connection->close_after_reply = true;
		return;
	}
	if (connection->state == HTTP_HANDSHAKE)
		log_handshake_failure(connection);
	http_connection_free(connection);
}

static void on_deadline(evutil_socket_t fd, short events, void *arg)
{
	struct http_connection *connection = arg;

	(void)fd;
	(void)events;
	if (connection->state == HTTP_BODY ||
	    (connection->state == HTTP_HEAD && connection->head_begun))
		refuse(connection, 408);
	else
		http_connection_free(connection);
}

static struct bufferevent *new_bufferevent(const struct http_server *server, int fd)
{
	struct bufferevent *bev;
	SSL *ssl;

	if (!server->tls)
		return bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
	ssl = SSL_new(server->tls);
	if (!ssl)
		return NULL;
	bev = bufferevent_openssl_socket_new(server->base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING,
					     BEV_OPT_CLOSE_ON_FREE);
	if (!bev)
		SSL_free(ssl);
	else
		bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	return bev;
}

int http_connection_new(struct http_server *server, int fd, const struct addr *peer)
{
	AUTO_CLOSE int owned = fd;
	int on = 1;
	struct http_connection *connection = calloc(1, sizeof(*connection));

	if (!connection)
		return -ENOMEM;
	connection->server = server;
	connection->peer = *peer;
	connection->admitted = true;
	connection->deadline = evtimer_new(server->base, on_deadline, connection);
	connection->bev = new_bufferevent(server, fd);
	if (connection->bev)
		(void)TAKE_FD(owned);
	if (!connection->deadline || !connection->bev) {
		http_connection_free(connection);
		return -ENOMEM;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	connection->next = server->connections;
	connection->link = &server->connections;
	if (connection->next)
		connection->next->link = &connection->next;
	server->connections = connection;
	server->n_connections++;

	bufferevent_setcb(connection->bev, on_read, http_connection_written, on_event, connection);
	bufferevent_enable(connection->bev, EV_READ | EV_WRITE);
	http_connection_move(connection, server->tls ? HTTP_HANDSHAKE : HTTP_HEAD);
	return 0;
}
