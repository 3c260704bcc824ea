// SPDX-License-Identifier: BSD-2-Clause
#include "user/plane/progress.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

/* The longest time that may go by before the stream has to be looked at again; 0: for ever. */
static uint64_t look_interval(const struct stream *stream)
{
	const struct plane_settings *settings = stream->plane->settings;
	uint64_t idle = settings->idle_timeout, draining = 0;

	for (int i = 0; i < 2; i++)
		if (stream->ends[i].fin_seen && !stream->directions[i].done)
			draining = settings->drain_timeout;
	if (draining && (!idle || draining < idle))
		return draining;
	return idle;
}

/* What the peers' TCP has acknowledged, up to a constant: what only fills a buffer is no progress,
 * and epoll is silent while a slow reader empties one. */
static uint64_t acknowledged(const struct stream *stream)
{
	uint64_t total = stream_bytes(stream, 0) + stream_bytes(stream, 1);

	for (int e = 0; e < 2; e++) {
		int queued = 0;

		if (ioctl(stream->ends[e].watch.fd, SIOCOUTQ, &queued) == 0)
			total -= (uint64_t)queued;
	}
	return total;
}

void progress_begin(struct stream *stream, uint64_t now)
{
	const struct plane_settings *settings = stream->plane->settings;
	uint64_t first = settings->idle_timeout ? settings->idle_timeout : settings->drain_timeout;

	stream->last_progress = now;
	if (first)
		timer_arm(stream->plane->timers, &stream->look, now + first);
}

void progress_settle(struct stream *stream, uint64_t now)
{
	uint64_t interval = look_interval(stream);
	bool draining = interval && interval != stream->plane->settings->idle_timeout;

	/* Standing still before the FIN was allowed. */
	if (draining && !stream->draining)
		stream->last_progress = now;
	stream->draining = draining;
	if (interval && (!stream->look.armed || stream->look.due > now + interval))
		timer_arm(stream->plane->timers, &stream->look, now + interval);
}

bool progress_check(struct stream *stream, uint64_t now, enum stream_end_reason *ret)
{
	uint64_t total = acknowledged(stream), interval = look_interval(stream);

	if (total != stream->last_total) {
		stream->last_total = total;
		stream->last_progress = now;
	} else if (interval && now - stream->last_progress >= interval) {
		bool draining = interval != stream->plane->settings->idle_timeout;

		*ret = draining ? STREAM_STALLED : STREAM_IDLE;
		return false;
	}
	if (interval)
		timer_arm(stream->plane->timers, &stream->look, now + interval / 2 + 1);
	return true;
}
