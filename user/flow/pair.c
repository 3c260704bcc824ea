// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/pair.h"

#include "user/flow/connection.h"
#include "user/flow/worker.h"

#include <stddef.h>

static const char *reason_text(enum stream_end_reason reason)
{
	switch (reason) {
	case STREAM_RESET_BY_0:
		return "reset from outside";
	case STREAM_RESET_BY_1:
		return "reset from inside";
	default:
		return stream_reason_name(reason);
	}
}

static void on_ended(struct stream *stream, enum stream_end_reason reason)
{
	struct connection *connection = container_of(stream, struct connection, stream);

	connection_close(connection, reason != STREAM_FINISHED, reason_text(reason));
}

void pair_begin(struct connection *connection)
{
	connection_move(connection, CONNECTION_PAIR);
	connection->stream.ended = on_ended;
	stream_start(&connection->stream);
}
