// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/peek.h"

#include "common/base/cleanup.h"
#include "common/base/log.h"
#include "common/loop/socket.h"
#include "user/flow/complain.h"
#include "user/flow/connection.h"
#include "user/flow/match.h"
#include "user/flow/sources.h"
#include "user/flow/worker.h"
#include "user/wire/client_hello.h"
#include "user/wire/proxy_reader.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void complain_client(struct worker *worker, enum complaint kind, const struct addr *client)
{
	char text[ADDR_TEXT_MAX];

	if (worker->config->anonymize_clients)
		addr_format_anonymous(client, text);
	else
		addr_format(client, text);
	complain(&worker->complaints, kind, text);
}

static enum complaint half_open_complaint(int error)
{
	return error == -EDQUOT ? COMPLAINT_HALF_OPEN_SOURCE : COMPLAINT_HALF_OPEN;
}

/*
 * A load balancer in front tells who the client is: taken off the socket before
 * the hello, each piece as it comes, so that a header of 64 KiB costs no more.
 * How many of the bytes have been taken; connection->header_read once it is whole.
 */
static int read_proxy_header(struct connection *connection, const uint8_t *bytes, size_t length)
{
	struct stream_end *outside = &connection->stream.ends[SIDE_OUTSIDE];
	struct worker *worker = connection->worker;
	size_t n = 0;

	if (!connection->proxy_reader)
		connection->proxy_reader = calloc(1, sizeof(*connection->proxy_reader));
	if (!connection->proxy_reader)
		return -ENOMEM;
	int whole = proxy_reader_take(connection->proxy_reader, bytes, length, &n);
	if (whole < 0)
		return whole;
	if (recv(outside->watch.fd, NULL, n, MSG_TRUNC | MSG_DONTWAIT) != (ssize_t)n)
		return -EIO;
	outside->read += n;
	if (!whole)
		return (int)n;
	AUTO_FREE struct proxy_reader *reader = TAKE_PTR(connection->proxy_reader);
	const struct proxy_header *header = &reader->header;

	connection->header_read = true;
	if (!header->has_addresses)
		return (int)n;
	if (connection_set_origin(connection, &header->source, &header->destination) < 0)
		return -ENOMEM;
	int r = sources_enter(worker->all->sources, &header->source, &connection->source);
	if (r < 0) {
		complain_client(worker, half_open_complaint(r), &header->source);
		return r;
	}
	connection->counts_half_open = true;
	return (int)n;
}

static enum ending why_no_origin(int error)
{
	switch (error) {
	case -EDQUOT:
	case -EUSERS:
		return ENDING_HEADER_HALF_OPEN;
	case -ENOMEM:
		return ENDING_MEMORY;
	case -EILSEQ:
		return ENDING_HEADER_CHECKSUM;
	default:
		return ENDING_HEADER_MISSING;
	}
}

/*
 * Wake up when so many bytes are there. The hello is looked at from its start
 * each time: whoever sends it byte by byte must not have it looked at as often.
 */
static void wait_for(struct connection *connection, size_t bytes)
{
	if (connection->peek_mark == bytes || (bytes == 1 && connection->peek_mark == 0))
		return;
	socket_lowat(connection->stream.ends[SIDE_OUTSIDE].watch.fd, (int)bytes);
	connection->peek_mark = (uint32_t)bytes;
}

static void decide(struct connection *connection, const uint8_t *bytes, size_t length)
{
	struct client_hello hello;
	enum client_hello_result result =
		client_hello_parse(bytes, length, connection->worker->peek_workspace, &hello);

	if (result == CLIENT_HELLO_MORE && length < CLIENT_HELLO_WIRE_MAX) {
		wait_for(connection, length + hello.missing);
		return;
	}
	wait_for(connection, 1);
	if (result == CLIENT_HELLO_OK) {
		counters_add(&connection->worker->counters, COUNTER_HELLOS, 1);
		match_begin(connection, hello.name);
		return;
	}
	/* For the log only; without memory for it the line has none. */
	if (result == CLIENT_HELLO_BAD_NAME)
		(void)connection_set_name(connection, hello.name, NULL);
	connection_refuse(connection, ALERT_UNRECOGNIZED_NAME, ending_of_hello(result));
}

/* Edge-triggered: the bytes stay in the socket, so that a level would never end. */
static void peek_ready(struct connection *connection, int side, uint32_t events)
{
	struct worker *worker = connection->worker;
	int fd = connection->stream.ends[side].watch.fd;

	if (events & (EPOLLERR | EPOLLHUP)) {
		connection_close(connection, true, ENDING_HELLO_RESET);
		return;
	}
	ssize_t n = recv(fd, worker->peek_bytes, CLIENT_HELLO_WIRE_MAX, MSG_PEEK | MSG_DONTWAIT);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		connection_close(connection, true, ENDING_HELLO_RESET);
		return;
	}
	size_t begin = 0;
	if (n > 0 && worker->config->fixed.require_proxy_header && !connection->header_read) {
		int r = read_proxy_header(connection, worker->peek_bytes, (size_t)n);
		if (r < 0) {
			connection_close(connection, true, why_no_origin(r));
			return;
		}
		begin = (size_t)r;
	}
	if (n > (ssize_t)begin)
		decide(connection, worker->peek_bytes + begin, (size_t)n - begin);
	if (connection->state == CONNECTION_PEEK && (events & EPOLLRDHUP))
		connection_close(connection, false, ENDING_HELLO_CLOSED);
}

static void peek_deadline(struct connection *connection)
{
	connection_close(connection, false, ENDING_HELLO_LATE);
}

static void peek_enter(struct connection *connection)
{
	connection_arm(connection, connection->began + connection->worker->config->hello_timeout);
	if (connection_watch(connection, SIDE_OUTSIDE, EPOLLIN | EPOLLRDHUP | EPOLLET) < 0)
		connection_close(connection, true, ENDING_WATCH);
}

static void peek_leave(struct connection *connection)
{
	free(TAKE_PTR(connection->proxy_reader));
}

static void peek_stop(struct connection *connection)
{
	connection_close(connection, true, ENDING_STOPPED);
}

void peek_accepted(struct worker *worker, int fd, const struct addr *client)
{
	/* The load balancer is not the source: its header tells which one is. */
	bool counts = !worker->config->fixed.require_proxy_header;
	uint32_t source = 0;

	int r = counts ? sources_enter(worker->all->sources, client, &source) : 0;
	if (r < 0) {
		complain_client(worker, half_open_complaint(r), client);
		(void)close(fd);
		return;
	}
	struct connection *connection = connection_new(worker);
	if (!connection) {
		if (counts)
			sources_leave(worker->all->sources, source);
		complain_client(worker, COMPLAINT_CONNECTIONS, client);
		(void)close(fd);
		return;
	}
	counters_add(&worker->counters, COUNTER_ACCEPTED, 1);
	connection->source = source;
	connection->counts_half_open = counts;
	connection_set_client(connection, client);
	connection->stream.ends[SIDE_OUTSIDE].watch.fd = fd;
	connection_move(connection, CONNECTION_PEEK);
}

const struct state_ops state_peek = {
	.name = "peek",
	.next = TO(CONNECTION_RENDEZVOUS) | TO(CONNECTION_PAIR) | TO(CONNECTION_REFUSE),
	.enter = peek_enter,
	.leave = peek_leave,
	.ready = peek_ready,
	.deadline = peek_deadline,
	.stop = peek_stop,
};
