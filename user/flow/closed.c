// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/closed.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "user/flow/connection.h"
#include "user/flow/news.h"
#include "user/flow/worker.h"

#include <inttypes.h>

static const char *or_none(const char *text)
{
	return text && *text ? text : "-";
}

static void log_closed(const struct connection *connection)
{
	const struct stream *stream = &connection->stream;
	char paths[STREAM_PATHS_TEXT];
	double seconds = (double)(clock_now() - connection->began) / 1e9;

	log_info("connection %" PRIu64 " closed: client=%s name=%s operator=%s peer=%s up=%" PRIu64
		 " down=%" PRIu64 " kernel_up=%" PRIu64 " kernel_down=%" PRIu64
		 " duration=%.3f path=%s reason=%s",
		 connection->id, or_none(connection->client), or_none(connection->name),
		 or_none(connection->proxy), or_none(connection->peer_id),
		 stream_bytes(stream, SIDE_OUTSIDE), stream_bytes(stream, SIDE_INSIDE),
		 stream_kernel_bytes(stream, SIDE_OUTSIDE),
		 stream_kernel_bytes(stream, SIDE_INSIDE), seconds, stream_path_name(stream, paths),
		 ending_text(connection->ending));
}

static void count(const struct connection *connection)
{
	const struct stream *stream = &connection->stream;
	struct counters *counters = &connection->worker->counters;

	counters_add(counters, COUNTER_ENDED + connection->ending, 1);
	if (!connection->paired)
		return;
	counters_add(counters, COUNTER_BYTES_UP, stream_bytes(stream, SIDE_OUTSIDE));
	counters_add(counters, COUNTER_BYTES_DOWN, stream_bytes(stream, SIDE_INSIDE));
	counters_add(counters, COUNTER_KERNEL_UP, stream_kernel_bytes(stream, SIDE_OUTSIDE));
	counters_add(counters, COUNTER_KERNEL_DOWN, stream_kernel_bytes(stream, SIDE_INSIDE));
}

static void closed_enter(struct connection *connection)
{
	connection_not_half_open(connection);
	stream_close(&connection->stream, connection->reset);
	count(connection);
	if (!connection->ahead) {
		log_closed(connection);
		return;
	}
	log_debug("connection %" PRIu64 ": dialled ahead to %s, ended unused: %s", connection->id,
		  or_none(connection->proxy), ending_text(connection->ending));
	news_lost(connection);
}

const struct state_ops state_closed = {
	.name = "closed",
	.enter = closed_enter,
};
