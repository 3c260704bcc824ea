/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a stream still moves: what has stood still for limits.idle_timeout
 * ends, and so does what has stood still for limits.drain_timeout after a FIN.
 */
#pragma once

#include "user/plane/stream.h"

/* `now` in ns, as everywhere here. */
void progress_begin(struct stream *stream, uint64_t now);

/* After anything has happened: the timer, stream->look, that the stream now needs. */
void progress_settle(struct stream *stream, uint64_t now);

/* The timer has fired. True: the stream moves, and is looked at again. False: *ret ends it. */
bool progress_check(struct stream *stream, uint64_t now, enum stream_end_reason *ret);
