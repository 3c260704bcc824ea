// SPDX-License-Identifier: BSD-2-Clause
#include "user/plane/choose.h"

/* A connection that ends sooner never touches a map. */
#define SOCKMAP_AFTER (200 * NS_PER_MS)
/* A direction that moves this much within a burst is bulk, which splice moves best. */
#define BURST_LENGTH (100 * NS_PER_MS)
#define BULK_BYTES   (1024 * 1024)
/* Spills within a burst at which the peer cannot keep up: the sockmap only adds detours. */
#define BULK_SPILLS 16

static void begin_burst(struct stream *stream, uint64_t now)
{
	stream->burst_began = now;
	for (int i = 0; i < 2; i++) {
		stream->directions[i].burst_start = stream_bytes(stream, i);
		stream->directions[i].burst_spills = 0;
	}
}

static bool is_bulk(const struct stream *stream)
{
	for (int i = 0; i < 2; i++) {
		const struct stream_direction *direction = &stream->directions[i];

		if (stream_bytes(stream, i) - direction->burst_start >= BULK_BYTES &&
		    (stream->path != PATH_SOCKMAP || direction->burst_spills >= BULK_SPILLS))
			return true;
	}
	return false;
}

static enum stream_path choose_auto(struct stream *stream, uint64_t now)
{
	bool burst_over = now - stream->burst_began >= BURST_LENGTH;

	if (is_bulk(stream)) {
		if (burst_over)
			begin_burst(stream, now);
		return PATH_SPLICE;
	}
	if (!burst_over)
		return stream->path;
	/* A whole burst's time has gone by without bulk: the stream is quiet or interactive. */
	begin_burst(stream, now);
	if (!stream->plane->kernel || now - stream->started < SOCKMAP_AFTER)
		return PATH_COPY;
	/* An epoll loop moves many small messages at one wake-up; the kernel's worker does not. */
	return load_is_high(&stream->plane->load, now) ? PATH_COPY : PATH_SOCKMAP;
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
