// SPDX-License-Identifier: BSD-2-Clause
#include "user/plane/stream.h"

#include "common/base/clock.h"
#include "common/loop/socket.h"
#include "user/plane/change.h"
#include "user/plane/choose.h"
#include "user/plane/path.h"
#include "user/plane/progress.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* The kernel's worker does not say when it is done: ask soon, then ever more rarely. */
#define RETRY_FIRST (50 * 1000ull)
#define RETRY_MOST  NS_PER_S

static void settle(struct stream *stream);

void stream_stop(struct stream *stream, enum stream_end_reason reason)
{
	if (!stream->running)
		return;
	stream_close(stream, reason != STREAM_FINISHED);
	stream->ended(stream, reason);
}

void stream_retry(struct stream *stream)
{
	if (stream->retry.armed)
		return;
	timer_arm(stream->plane->timers, &stream->retry, clock_now() + stream->retry_after);
	stream->retry_after *= 2;
	if (stream->retry_after > RETRY_MOST)
		stream->retry_after = RETRY_MOST;
}

static void wait_for_kernel(struct stream *stream, int i)
{
	stream->directions[i].waiting = true;
	stream_retry(stream);
}

static void finish_direction(struct stream *stream, int i)
{
	struct stream_end *to = &stream->ends[!i];

	if (shutdown(to->watch.fd, SHUT_WR) < 0) {
		stream_stop(stream, i ? STREAM_RESET_BY_0 : STREAM_RESET_BY_1);
		return;
	}
	to->fin_sent = true;
	stream->directions[i].done = true;
	if (stream->directions[!i].done)
		stream_stop(stream, STREAM_FINISHED);
}

static void drain(struct stream *stream, int i);

/* What a move has come to, for direction i. May end the stream. */
static void conclude(struct stream *stream, int i, enum move_result result)
{
	struct stream_end *from = &stream->ends[i];

	switch (result) {
	case MOVE_DRY:
		change_at_rest(stream, i);
		break;
	case MOVE_BLOCKED:
		break;
	case MOVE_WAIT:
		wait_for_kernel(stream, i);
		break;
	case MOVE_MORE:
	case MOVE_MORE_UNTOLD:
		/* It does move: a pause that grows is for what does not. */
		stream->retry_after = RETRY_FIRST;
		if (from->hung_up || result == MOVE_MORE_UNTOLD)
			stream_retry(stream);
		break;
	case MOVE_AWAY:
		if (from->fin_seen)
			drain(stream, i);
		break;
	case MOVE_EOF:
		from->fin_seen = true;
		drain(stream, i);
		break;
	case MOVE_RESET_IN:
		stream_stop(stream, i ? STREAM_RESET_BY_1 : STREAM_RESET_BY_0);
		break;
	case MOVE_RESET_OUT:
		stream_stop(stream, i ? STREAM_RESET_BY_0 : STREAM_RESET_BY_1);
		break;
	case MOVE_NO_MEMORY:
		stream_stop(stream, STREAM_NO_MEMORY);
		break;
	case MOVE_BROKEN:
		stream_stop(stream, STREAM_BROKEN);
		break;
	case MOVE_URGENT:
		stream_stop(stream, STREAM_URGENT);
		break;
	}
}

/* A FIN may only follow when nothing is left between the two sockets. */
static void drain(struct stream *stream, int i)
{
	const struct path_ops *ops = stream->path->ops;
	enum move_result r = ops->drained ? ops->drained(stream, i) : MOVE_DRY;

	if (r == MOVE_DRY)
		finish_direction(stream, i);
	else
		conclude(stream, i, r);
}

/* Move what can be moved of direction i. May end the stream. */
void stream_advance(struct stream *stream, int i)
{
	const struct stream_direction *direction = &stream->directions[i];

	if (!stream->running || direction->done || direction->waiting)
		return;
	conclude(stream, i, stream->path->ops->move(stream, i));
}

/*
 * The destination of direction i is writable. Without memory TCP says so and
 * takes nothing: then ask again later, instead of at once and for ever.
 */
static void write_on(struct stream *stream, int i)
{
	const struct stream_direction *direction = &stream->directions[i];
	uint64_t before = stream->ends[!i].sent;

	stream_advance(stream, i);
	if (stream->running && !direction->waiting && (direction->pending || direction->held) &&
	    stream->ends[!i].sent == before)
		wait_for_kernel(stream, i);
}

static void on_ready(struct watch *watch, uint32_t events)
{
	struct stream_end *ready = container_of(watch, struct stream_end, watch);
	struct stream *stream = ready->stream;
	int i = ready == &stream->ends[1];

	/*
	 * Half-closed by the peer alone is no hang-up: without a FIN of ours it is a
	 * reset whose error the kernel's worker has taken for itself.
	 */
	if ((events & EPOLLERR) || ((events & EPOLLHUP) && !ready->fin_sent)) {
		stream_stop(stream, i ? STREAM_RESET_BY_1 : STREAM_RESET_BY_0);
		return;
	}
	if (events & (EPOLLRDHUP | EPOLLHUP))
		ready->fin_seen = true;
	if (events & EPOLLHUP) {
		ready->hung_up = true;
		watch_remove(stream->plane->epoll, watch);
	}
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP))
		stream_advance(stream, i);
	if (events & EPOLLOUT)
		write_on(stream, !i);
	settle(stream);
}

static void on_retry(struct timer *timer)
{
	struct stream *stream = container_of(timer, struct stream, retry);

	for (int i = 0; i < 2; i++) {
		stream->directions[i].waiting = false;
		stream_advance(stream, i);
	}
	settle(stream);
	/* Last: a stream that cannot leave the sockmap yet asks in there for another time. */
	if (stream->running && !stream->retry.armed)
		stream->retry_after = RETRY_FIRST;
}

void stream_given_back(struct stream *stream, int i)
{
	struct stream_direction *direction = &stream->directions[i];

	direction->away = false;
	direction->burst_spills++;
	direction->waiting = false;
	stream_advance(stream, i);
	settle(stream);
}

void stream_look(struct stream *stream)
{
	settle(stream);
}

static void on_look(struct timer *timer)
{
	struct stream *stream = container_of(timer, struct stream, look);
	enum stream_end_reason reason;

	if (!progress_check(stream, clock_now(), &reason))
		stream_stop(stream, reason);
}

static uint32_t wanted_events(const struct stream *stream, int e)
{
	const struct stream_direction *out = &stream->directions[e], *in = &stream->directions[!e];
	const struct stream_end *side = &stream->ends[e];
	bool blocked = out->pending || out->held || out->waiting;
	uint32_t events = 0;

	if (!out->done && !blocked && !out->away)
		events |= EPOLLIN;
	/* Not EPOLLIN alone: it would wake us for each redirected batch, and a blocked direction
	 * would not hear of the FIN with which its draining begins. */
	if (!out->done && !side->fin_seen)
		events |= EPOLLRDHUP;
	if ((in->pending || in->held) && !in->waiting)
		events |= EPOLLOUT;
	return events;
}

/* After anything has happened: the right path, and the right events to wait for. */
static void settle(struct stream *stream)
{
	if (!stream->running)
		return;
	uint64_t now = clock_now();
	struct path *wanted = choose_path(stream, now);
	if (stream->entering != wanted && stream->entering != stream->path)
		stream->entering = NULL;
	if (wanted != stream->path || stream->leaving)
		change_path(stream, wanted);
	if (!stream->running)
		return;
	for (int e = 0; e < 2; e++) {
		struct stream_end *side = &stream->ends[e];

		if (side->hung_up)
			continue;
		if (watch_set(stream->plane->epoll, &side->watch, wanted_events(stream, e)) < 0) {
			stream_stop(stream, STREAM_NO_MEMORY);
			return;
		}
	}
	progress_settle(stream, now);
}

void stream_init(struct stream *stream, struct plane *plane,
		 void (*ended)(struct stream *, enum stream_end_reason))
{
	memset(stream, 0, sizeof(*stream));
	stream->plane = plane;
	stream->path = plane->by_role[PATH_BASE];
	stream->ended = ended;
	stream->retry.fire = on_retry;
	stream->look.fire = on_look;
	stream->retry_after = RETRY_FIRST;
	for (int i = 0; i < 2; i++) {
		stream->ends[i].watch.fd = -1;
		stream->ends[i].stream = stream;
		stream->directions[i].stream = stream;
	}
}

void stream_start(struct stream *stream)
{
	uint64_t now = clock_now();

	stream->running = true;
	stream->started = stream->burst_began = now;
	for (int i = 0; i < 2; i++) {
		struct stream_end *side = &stream->ends[i];

		side->watch.ready = on_ready;
		side->sent_before = side->sent;
	}
	progress_begin(stream, now);
	for (int i = 0; i < 2; i++)
		stream_advance(stream, i);
	settle(stream);
}

void stream_close(struct stream *stream, bool reset)
{
	stream->running = false;
	timer_disarm(stream->plane->timers, &stream->retry);
	timer_disarm(stream->plane->timers, &stream->look);
	for (int i = 0; i < 2; i++) {
		struct stream_end *side = &stream->ends[i];

		if (side->watch.fd >= 0 && reset)
			socket_reset_on_close(side->watch.fd);
		watch_close(&side->watch);
		free(stream->directions[i].pending);
		stream->directions[i].pending = NULL;
	}
	change_drop(stream);
}
