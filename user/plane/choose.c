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

static bool is_on(const struct stream *stream, enum path_role role)
{
	return stream->path == stream->plane->by_role[role];
}

/* On the quiet path bytes alone are no reason: only a peer that cannot keep up makes it a detour.
 */
static bool is_bulk(const struct stream *stream)
{
	const struct auto_rules *rules = &stream->plane->settings->rules;

	for (int i = 0; i < 2; i++) {
		const struct stream_direction *direction = &stream->directions[i];

		if (stream_bytes(stream, i) - direction->burst_start >= rules->bulk_bytes &&
		    (!is_on(stream, PATH_QUIET) || direction->burst_spills >= rules->bulk_spills))
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
static enum path_role by_load(const struct stream *stream, uint64_t now)
{
	const struct auto_rules *rules = &stream->plane->settings->rules;
	int busy = load_percent(&stream->plane->load, now);

	if (is_on(stream, PATH_QUIET))
		return busy >= (int)rules->busy_percent ? PATH_BASE : PATH_QUIET;
	return busy != LOAD_UNKNOWN && busy <= (int)rules->calm_percent ? PATH_QUIET : PATH_BASE;
}

static enum path_role current_role(const struct stream *stream)
{
	if (is_on(stream, PATH_BULK))
		return PATH_BULK;
	return is_on(stream, PATH_QUIET) ? PATH_QUIET : PATH_BASE;
}

static enum path_role choose_auto(struct stream *stream, uint64_t now)
{
	const struct auto_rules *rules = &stream->plane->settings->rules;
	bool burst_over = now - stream->burst_began >= rules->burst_length;

	if (is_bulk(stream)) {
		if (burst_over)
			begin_burst(stream, now);
		return PATH_BULK;
	}
	if (!burst_over)
		return current_role(stream);
	/* A whole burst's time has gone by without bulk: the stream is quiet or interactive. */
	begin_burst(stream, now);
	enum path_role role = by_load(stream, now);
	return now - stream->started < rules->sockmap_after ? PATH_BASE : role;
}

static enum path_role choose(struct stream *stream, uint64_t now)
{
	switch (stream->plane->settings->forwarding) {
	case FORWARD_COPY:
		return PATH_BASE;
	case FORWARD_SPLICE:
		return PATH_BULK;
	case FORWARD_SOCKMAP:
		return stream->plane->by_role[PATH_QUIET] ? PATH_QUIET : PATH_BULK;
	case FORWARD_AUTO:
		break;
	}
	return choose_auto(stream, now);
}

struct path *choose_path(struct stream *stream, uint64_t now)
{
	struct plane *plane = stream->plane;
	enum path_role role = choose(stream, now);

	/* A dangerous place then: what the quiet path has for a socket is charged to nobody. */
	if (role == PATH_QUIET && plane->by_role[role] && tcp_memory_is_short(&plane->load, now))
		role = PATH_BULK;
	return plane->by_role[role] ? plane->by_role[role] : plane->by_role[PATH_BASE];
}
