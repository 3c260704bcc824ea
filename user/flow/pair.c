// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/pair.h"

#include "common/base/clock.h"
#include "user/flow/connection.h"
#include "user/flow/worker.h"

#include <netinet/in.h>
#include <linux/tcp.h>
#include <stddef.h>
#include <sys/socket.h>

static void on_ended(struct stream *stream, enum stream_end_reason reason)
{
	struct connection *connection = container_of(stream, struct connection, stream);

	connection_close(connection, reason != STREAM_FINISHED, ending_of_stream(reason));
}

static void pair_enter(struct connection *connection)
{
	struct worker *worker = connection->worker;

	counters_add(&worker->counters, COUNTER_PAIRED, 1);
	connection->paired = true;
	if (connection->by_parked)
		connection_arm(connection, clock_now() + worker->config->accept_timeout);
	connection->stream.ended = on_ended;
	stream_start(&connection->stream);
}

/*
 * The private proxy of a parked connection may have vanished without a word,
 * which keepalive finds only when it is quiet. No acknowledgement in the time
 * of a rendezvous: then a new connection has better chances. bytes_acked may
 * count the SYN.
 */
static void pair_deadline(struct connection *connection)
{
	int fd = connection->stream.ends[SIDE_INSIDE].watch.fd;
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 &&
	    info.tcpi_bytes_acked <= 1)
		connection_close(connection, true, ENDING_PARKED_DEAD);
}

const struct state_ops state_pair = {
	.name = "pair",
	.enter = pair_enter,
	.deadline = pair_deadline,
};
