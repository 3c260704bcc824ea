// SPDX-License-Identifier: BSD-2-Clause
/* What a stream has done, for the log. */
#include "user/plane/path.h"

#include <stdio.h>

uint64_t stream_kernel_bytes(const struct stream *stream, int i)
{
	const struct path_ops *ops = stream->path->ops;
	uint64_t bytes = stream->directions[i].carried;

	return stream->path_state && ops->carried ? bytes + ops->carried(stream, i) : bytes;
}

struct stream_counts stream_kernel_counts(const struct stream *stream, int i)
{
	const struct path_ops *ops = stream->path->ops;
	struct stream_counts counts = stream->directions[i].counts;

	if (stream->path_state && ops->counts)
		ops->counts(stream, i, &counts);
	return counts;
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
	case STREAM_STUCK:
		return "no way out of the sockmap without CAP_NET_ADMIN";
	}
	return "unknown";
}

const char *stream_path_name(const struct stream *stream, char text[STREAM_PATHS_TEXT])
{
	const struct plane *plane = stream->plane;
	size_t length = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < plane->n_paths && length < STREAM_PATHS_TEXT; i++)
		if (stream->used & 1u << i)
			length +=
				(size_t)snprintf(text + length, STREAM_PATHS_TEXT - length, "%s%s",
						 length ? "+" : "", plane->paths[i].ops->name);
	/* Where no other was taken. */
	if (length == 0)
		snprintf(text, STREAM_PATHS_TEXT, "%s", plane->by_role[PATH_BASE]->ops->name);
	return text;
}
