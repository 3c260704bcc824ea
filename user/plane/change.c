// SPDX-License-Identifier: BSD-2-Clause
#include "user/plane/change.h"

#include <errno.h>
#include <stdlib.h>

static uint8_t bit(const struct path *path)
{
	return (uint8_t)(1u << path->index);
}

void change_drop(struct stream *stream)
{
	const struct path_ops *ops = stream->path->ops;

	if (stream->path_state) {
		for (int i = 0; i < 2; i++) {
			struct stream_direction *direction = &stream->directions[i];

			direction->counts = stream_kernel_counts(stream, i);
			direction->carried = stream_kernel_bytes(stream, i);
		}
		if (ops->forget)
			ops->forget(stream);
		free(stream->path_state);
		stream->path_state = NULL;
	}
	for (int i = 0; i < 2; i++) {
		stream->directions[i].away = false;
		stream->ends[i].joined = false;
	}
}

/* The one place where a stream changes its path. -ENOMEM: nothing has changed. */
static int set_path(struct stream *stream, struct path *path)
{
	void *state = NULL;

	if (path->ops->state_bytes) {
		state = calloc(1, path->ops->state_bytes);
		if (!state)
			return -ENOMEM;
	}
	change_drop(stream);
	stream->path = path;
	stream->path_state = state;
	stream->leaving = false;
	return 0;
}

/* Never fails: there is nothing to allocate for it. */
static void set_base_path(struct stream *stream)
{
	(void)set_path(stream, stream->plane->by_role[PATH_BASE]);
}

static void advance_both(struct stream *stream)
{
	for (int i = 0; i < 2; i++)
		stream_advance(stream, i);
}

/* End i goes over to the path that is being entered. */
static int join(struct stream *stream, int i)
{
	bool first = stream->path != stream->entering;

	int r = first ? set_path(stream, stream->entering) : 0;
	if (r < 0)
		return r;
	r = stream->path->ops->enter(stream, i);
	if (r < 0 && first)
		set_base_path(stream);
	return r;
}

void change_at_rest(struct stream *stream, int i)
{
	struct path *entering = stream->entering;

	if (entering && !stream->ends[i].joined && !stream->ends[i].fin_seen) {
		int r = join(stream, i);
		if (r == -EAGAIN)
			return;
		if (r < 0) {
			stream->entering = NULL;
			stream->refused |= bit(entering);
			return;
		}
		stream->used |= bit(entering);
		stream->ends[i].joined = true;
		/* What came between our last recv() and now. */
		stream_advance(stream, i);
		/* The other side may have been waiting for this one. */
		if (stream->ends[!i].joined)
			stream_advance(stream, !i);
	} else if (stream->path->ops->at_rest && stream->path->ops->at_rest(stream, i)) {
		stream_retry(stream);
	}
}

/* True: the stream is on the base path now. May end the stream. */
static bool leave_path(struct stream *stream)
{
	const struct path_ops *ops = stream->path->ops;

	if (ops->hold && !stream->leaving) {
		stream->leaving = true;
		stream->entering = NULL;
		ops->hold(stream);
		advance_both(stream);
		if (!stream->running)
			return false;
	}
	switch (ops->leave ? ops->leave(stream) : LEAVE_DONE) {
	case LEAVE_DONE:
		set_base_path(stream);
		/* User space has everything again. */
		if (ops->hold)
			advance_both(stream);
		return stream->running;
	case LEAVE_BUSY:
		break;
	case LEAVE_LATER:
		stream_retry(stream);
		break;
	case LEAVE_BROKEN:
		stream_stop(stream, STREAM_BROKEN);
		break;
	case LEAVE_NO_MEMORY:
		stream_stop(stream, STREAM_NO_MEMORY);
		break;
	case LEAVE_NOT_ALLOWED:
		stream_stop(stream, STREAM_STUCK);
		break;
	}
	return false;
}

/* From the base path to `path`, at once or as its ends come to rest. */
static void enter_path(struct stream *stream, struct path *path)
{
	if (path->ops->enter) {
		if (stream->entering == path)
			return;
		stream->entering = path;
		advance_both(stream);
	} else if (set_path(stream, path) == 0) {
		stream->used |= bit(path);
	}
}

void change_path(struct stream *stream, struct path *wanted)
{
	struct path *base = stream->plane->by_role[PATH_BASE], *before = stream->path;

	if (!stream->leaving && stream->refused & bit(wanted))
		return;
	if (before != base && !leave_path(stream))
		return;
	if (wanted != base && wanted != before)
		enter_path(stream, wanted);
}
