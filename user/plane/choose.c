// SPDX-License-Identifier: BSD-2-Clause
#include "user/plane/choose.h"

static void begin_burst(struct stream *stream, uint64_t now)
{
	stream->burst_began = now;
	for (int i = 0; i < 2; i++) {
		stream->directions[i].burst_start = stream_bytes(stream, i);
		stream->directions[i].burst_spills = 0;
	}
}

/* In the sockmap bytes alone are no reason: only a peer that cannot keep up makes it a detour. */
static bool is_bulk(const struct stream *stream)
{
	const struct auto_rules *rules = &stream->plane->settings->rules;

	for (int i = 0; i < 2; i++) {
		const struct stream_direction *direction = &stream->directions[i];

		if (stream_bytes(stream, i) - direction->burst_start >= rules->bulk_bytes &&
		    (stream->path != PATH_SOCKMAP || direction->burst_spills >= rules->bulk_spills))
			return true;
	}
	return false;
}

/*
 * An epoll loop moves many small messages at one wake-up; the kernel's worker
 * does not. Between the two marks a stream stays where it is: without that gap
 * the way that costs less would make the processors look idle, and streams
 * would move back and forth.
 */
static enum stream_path by_load(const struct stream *stream, uint64_t now)
{
	const struct auto_rules *rules = &stream->plane->settings->rules;
	int busy = load_percent(&stream->plane->load, now);

	if (stream->path == PATH_SOCKMAP)
		return busy >= (int)rules->busy_percent ? PATH_COPY : PATH_SOCKMAP;
	return busy != LOAD_UNKNOWN && busy <= (int)rules->calm_percent ? PATH_SOCKMAP : PATH_COPY;
}

static enum stream_path choose_auto(struct stream *stream, uint64_t now)
{
	const struct auto_rules *rules = &stream->plane->settings->rules;
	bool burst_over = now - stream->burst_began >= rules->burst_length;

	if (is_bulk(stream)) {
		if (burst_over)
			begin_burst(stream, now);
		return PATH_SPLICE;
	}
	if (!burst_over)
		return stream->path;
	/* A whole burst's time has gone by without bulk: the stream is quiet or interactive. */
	begin_burst(stream, now);
	enum stream_path path = by_load(stream, now);
	if (!stream->plane->kernel || now - stream->started < rules->sockmap_after)
		return PATH_COPY;
	return path;
}

static enum stream_path choose(struct stream *stream, uint64_t now)
{
	switch (stream->plane->settings->forwarding) {
	case FORWARD_COPY:
		return PATH_COPY;
	case FORWARD_SPLICE:
		return PATH_SPLICE;
	case FORWARD_SOCKMAP:
		return stream->plane->kernel ? PATH_SOCKMAP : PATH_SPLICE;
	case FORWARD_AUTO:
		break;
	}
	return choose_auto(stream, now);
}

enum stream_path choose_path(struct stream *stream, uint64_t now)
{
	enum stream_path path = choose(stream, now);

	if (path == PATH_SOCKMAP && tcp_memory_is_short(&stream->plane->load, now))
		return PATH_SPLICE;
	return path;
}
