// SPDX-License-Identifier: BSD-2-Clause
/* The end of a connection: descriptors closed, one line in the log. */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "user/flow/ahead.h"
#include "user/flow/connection.h"
#include "user/flow/dial.h"
#include "user/flow/worker.h"

#include <inttypes.h>

static const char *or_none(const char *text)
{
	return text && *text ? text : "-";
}

static void log_closed(const struct connection *connection, const char *reason)
{
	const struct stream *stream = &connection->stream;
	char paths[STREAM_PATHS_TEXT];
	double seconds = (double)(clock_now() - connection->began) / 1e9;

	log_info("connection %" PRIu64 " closed: client=%s name=%s operator=%s peer=%s up=%" PRIu64
		 " down=%" PRIu64 " kernel_up=%" PRIu64 " kernel_down=%" PRIu64
		 " duration=%.3f path=%s reason=%s",
		 connection->id, or_none(connection->client), or_none(connection->name),
		 or_none(connection->operator), or_none(connection->peer_id),
		 stream_bytes(stream, SIDE_OUTSIDE), stream_bytes(stream, SIDE_INSIDE),
		 stream_kernel_bytes(stream, SIDE_OUTSIDE),
		 stream_kernel_bytes(stream, SIDE_INSIDE), seconds, stream_path_name(stream, paths),
		 reason);
}

void connection_close(struct connection *connection, bool reset, const char *reason)
{
	if (connection->state == CONNECTION_CLOSED)
		return;
	if (connection->dial)
		dial_cancel(connection);
	stream_close(&connection->stream, reset);
	connection_move(connection, CONNECTION_CLOSED);
	if (connection->ahead)
		ahead_lost(connection, reason);
	else
		log_closed(connection, reason);
}
