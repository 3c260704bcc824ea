// SPDX-License-Identifier: BSD-2-Clause
/* What a stream has done, for the log. */
#include "user/plane/sockmap/sockmap.h"
#include "user/plane/stream.h"

uint64_t stream_kernel_bytes(const struct stream *stream, int i)
{
	return stream->plane->kernel ? sockmap_redirected(stream, i) : 0;
}

struct stream_counts stream_kernel_counts(const struct stream *stream, int i)
{
	return stream->plane->kernel ? sockmap_counts(stream, i) : (struct stream_counts){0};
}

uint64_t stream_bytes(const struct stream *stream, int i)
{
	const struct stream_end *to = &stream->ends[!i];

	return to->sent - to->sent_before + stream_kernel_bytes(stream, i);
}

const char *stream_reason_name(enum stream_end_reason reason)
{
	switch (reason) {
	case STREAM_FINISHED:
		return "finished";
	case STREAM_RESET_BY_0:
	case STREAM_RESET_BY_1:
		return "reset";
	case STREAM_IDLE:
		return "idle time-out";
	case STREAM_STALLED:
		return "no progress while draining";
	case STREAM_BROKEN:
		return "the kernel delivered segments out of order";
	case STREAM_NO_MEMORY:
		return "out of memory";
	case STREAM_URGENT:
		return "urgent data, which this kernel's sockmap cannot carry";
	}
	return "unknown";
}

const char *stream_path_name(const struct stream *stream)
{
	if (stream->used_sockmap)
		return stream->used_splice ? "sockmap+splice" : "sockmap";
	return stream->used_splice ? "splice" : "copy";
}
