// SPDX-License-Identifier: BSD-2-Clause
#include "user/plane/stream.h"

#include "common/base/clock.h"
#include "common/loop/socket.h"
#include "user/plane/choose.h"
#include "user/plane/move.h"
#include "user/plane/progress.h"
#include "user/plane/sockmap/kernel.h"
#include "user/plane/sockmap/sockmap.h"

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
/* Where nothing tells of an urgent byte. */
#define URGENT_EVERY NS_PER_S

static void settle(struct stream *stream);

static void end(struct stream *stream, enum stream_end_reason reason)
{
	if (!stream->running)
		return;
	stream_close(stream, reason != STREAM_FINISHED);
	stream->ended(stream, reason);
}

static void retry_later(struct stream *stream)
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
	retry_later(stream);
}

static void finish_direction(struct stream *stream, int i)
{
	struct stream_end *to = &stream->ends[!i];

	if (shutdown(to->watch.fd, SHUT_WR) < 0) {
		end(stream, i ? STREAM_RESET_BY_0 : STREAM_RESET_BY_1);
		return;
	}
	to->fin_sent = true;
	stream->directions[i].done = true;
	splice_done(stream, i);
	if (stream->directions[!i].done)
		end(stream, STREAM_FINISHED);
}

/* A FIN may only follow when nothing is left between the two sockets. */
static void drain(struct stream *stream, int i)
{
	int r = stream->path == PATH_SOCKMAP ? sockmap_drained(stream, i) : 1;

	if (r < 0) {
		end(stream, i ? STREAM_RESET_BY_1 : STREAM_RESET_BY_0);
	} else if (r == 1) {
		finish_direction(stream, i);
	} else if (sockmap_stopped_at_urgent(stream)) {
		end(stream, STREAM_URGENT);
	} else {
		(void)sockmap_ask_for_passed(stream, i);
		wait_for_kernel(stream, i);
	}
}

static void advance(struct stream *stream, int i);

/* Direction i has been read to EAGAIN, and all of it delivered. */
static void at_rest(struct stream *stream, int i)
{
	if (stream->entering && !stream->ends[i].in_map && !stream->ends[i].fin_seen) {
		int r = sockmap_enter(stream, i);
		if (r == -EAGAIN)
			return;
		if (r < 0) {
			stream->entering = false;
			stream->no_sockmap = true;
			return;
		}
		/* What came between our last recv() and the insert. */
		advance(stream, i);
		/* The other side may have been waiting for this one. */
		if (stream->ends[!i].in_map)
			advance(stream, !i);
	} else if (stream->path == PATH_SOCKMAP) {
		if (sockmap_ask_for_passed(stream, i))
			retry_later(stream);
		else
			sockmap_offer(stream, i);
	}
}

/* What a move has come to, for direction i. May end the stream. */
static void conclude(struct stream *stream, int i, enum move_result result)
{
	struct stream_end *from = &stream->ends[i];

	switch (result) {
	case MOVE_DRY:
		at_rest(stream, i);
		break;
	case MOVE_BLOCKED:
		break;
	case MOVE_WAIT:
		wait_for_kernel(stream, i);
		break;
	case MOVE_MORE:
		/* It does move: a pause that grows is for what does not. */
		stream->retry_after = RETRY_FIRST;
		if (from->hung_up ||
		    (stream->path == PATH_SOCKMAP && sockmap_ask_for_passed(stream, i)))
			retry_later(stream);
		break;
	case MOVE_EOF:
		from->fin_seen = true;
		drain(stream, i);
		break;
	case MOVE_RESET_IN:
		end(stream, i ? STREAM_RESET_BY_1 : STREAM_RESET_BY_0);
		break;
	case MOVE_RESET_OUT:
		end(stream, i ? STREAM_RESET_BY_0 : STREAM_RESET_BY_1);
		break;
	case MOVE_NO_MEMORY:
		end(stream, STREAM_NO_MEMORY);
		break;
	case MOVE_BROKEN:
		end(stream, STREAM_BROKEN);
		break;
	case MOVE_URGENT:
		end(stream, STREAM_URGENT);
		break;
	}
}

/* Move what can be moved of direction i. May end the stream. */
static void advance(struct stream *stream, int i)
{
	struct stream_direction *direction = &stream->directions[i];
	struct stream_end *from = &stream->ends[i];

	if (!stream->running || direction->done || direction->waiting)
		return;
	if (stream->path == PATH_SOCKMAP) {
		sockmap_observe(stream, i);
		if (direction->in_kernel) {
			if (from->fin_seen)
				drain(stream, i);
			return;
		}
	}
	conclude(stream, i,
		 stream->path == PATH_SPLICE ? splice_move(stream, i) : copy_move(stream, i));
}

/*
 * The destination of direction i is writable. Without memory TCP says so and
 * takes nothing: then ask again later, instead of at once and for ever.
 */
static void write_on(struct stream *stream, int i)
{
	const struct stream_direction *direction = &stream->directions[i];
	uint64_t before = stream->ends[!i].sent;

	advance(stream, i);
	if (stream->running && !direction->waiting && (direction->pending || direction->in_pipe) &&
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
		end(stream, i ? STREAM_RESET_BY_1 : STREAM_RESET_BY_0);
		return;
	}
	if (events & (EPOLLRDHUP | EPOLLHUP))
		ready->fin_seen = true;
	if (events & EPOLLHUP) {
		ready->hung_up = true;
		watch_remove(stream->plane->epoll, watch);
	}
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP))
		advance(stream, i);
	if (events & EPOLLOUT)
		write_on(stream, !i);
	settle(stream);
}

static void on_retry(struct timer *timer)
{
	struct stream *stream = container_of(timer, struct stream, retry);

	for (int i = 0; i < 2; i++) {
		stream->directions[i].waiting = false;
		advance(stream, i);
	}
	settle(stream);
	/* Last: a stream that cannot leave the sockmap yet asks in there for another time. */
	if (stream->running && !stream->retry.armed)
		stream->retry_after = RETRY_FIRST;
}

void stream_kernel_event(struct stream_direction *direction, enum flow_event event)
{
	struct stream *stream = direction->stream;
	int i = direction == &stream->directions[1];

	if (!stream->running)
		return;
	if (event == FLOW_BROKEN) {
		end(stream, STREAM_BROKEN);
		return;
	}
	if (event == FLOW_BUSY) {
		sockmap_busy_seen(stream, i);
	} else {
		sockmap_given_back(stream, i);
		direction->waiting = false;
		advance(stream, i);
	}
	settle(stream);
}

static void on_look(struct timer *timer)
{
	struct stream *stream = container_of(timer, struct stream, look);
	enum stream_end_reason reason;

	if (!progress_check(stream, clock_now(), &reason))
		end(stream, reason);
}

static void on_urgent(struct timer *timer)
{
	struct stream *stream = container_of(timer, struct stream, urgent);

	if (sockmap_stopped_at_urgent(stream))
		end(stream, STREAM_URGENT);
	else if (sockmap_stops_at_urgent(stream))
		timer_arm(stream->plane->timers, timer, clock_now() + URGENT_EVERY);
}

static void enter_sockmap(struct stream *stream)
{
	if (stream->no_sockmap || stream->directions[0].in_pipe || stream->directions[1].in_pipe)
		return;
	for (int i = 0; i < 2; i++)
		splice_done(stream, i);
	stream->path = PATH_COPY;
	stream->entering = true;
	for (int i = 0; i < 2; i++)
		advance(stream, i);
}

static void leave_sockmap(struct stream *stream)
{
	if (!stream->leaving) {
		stream->leaving = true;
		stream->entering = false;
		sockmap_hold(stream);
		for (int i = 0; i < 2; i++)
			advance(stream, i);
	}
	if (!stream->running)
		return;
	switch (sockmap_leave(stream)) {
	case 1:
		for (int i = 0; i < 2; i++)
			advance(stream, i);
		break;
	case 0:
		retry_later(stream);
		break;
	case -ENOMEM:
		end(stream, STREAM_NO_MEMORY);
		break;
	default:
		end(stream, STREAM_BROKEN);
	}
}

/* The one place where a stream changes its path. */
static void change_path(struct stream *stream, enum stream_path wanted)
{
	if (stream->path == PATH_SOCKMAP) {
		if (wanted != PATH_SOCKMAP || stream->leaving)
			leave_sockmap(stream);
	} else if (wanted == PATH_SOCKMAP) {
		if (!stream->entering)
			enter_sockmap(stream);
	} else if (wanted == PATH_SPLICE) {
		stream->path = PATH_SPLICE;
		stream->used_splice = true;
	} else if (!stream->directions[0].in_pipe && !stream->directions[1].in_pipe) {
		stream->path = PATH_COPY;
	}
}

static uint32_t wanted_events(const struct stream *stream, int e)
{
	const struct stream_direction *out = &stream->directions[e], *in = &stream->directions[!e];
	const struct stream_end *side = &stream->ends[e];
	bool blocked = out->pending || out->in_pipe || out->waiting;
	uint32_t events = 0;

	if (!out->done && !blocked && !out->in_kernel)
		events |= EPOLLIN;
	/* Not EPOLLIN alone: it would wake us for each redirected batch, and a blocked direction
	 * would not hear of the FIN with which its draining begins. */
	if (!out->done && !side->fin_seen)
		events |= EPOLLRDHUP;
	if ((in->pending || in->in_pipe) && !in->waiting)
		events |= EPOLLOUT;
	return events;
}

/* After anything has happened: the right path, and the right events to wait for. */
static void settle(struct stream *stream)
{
	if (!stream->running)
		return;
	uint64_t now = clock_now();
	enum stream_path wanted = choose_path(stream, now);
	if (wanted != PATH_SOCKMAP && stream->path != PATH_SOCKMAP)
		stream->entering = false;
	if (wanted != stream->path || stream->leaving)
		change_path(stream, wanted);
	if (!stream->running)
		return;
	for (int e = 0; e < 2; e++) {
		struct stream_end *side = &stream->ends[e];

		if (side->hung_up)
			continue;
		if (watch_set(stream->plane->epoll, &side->watch, wanted_events(stream, e)) < 0) {
			end(stream, STREAM_NO_MEMORY);
			return;
		}
	}
	if (!stream->urgent.armed && sockmap_stops_at_urgent(stream))
		timer_arm(stream->plane->timers, &stream->urgent, now + URGENT_EVERY);
	progress_settle(stream, now);
}

void stream_init(struct stream *stream, struct plane *plane,
		 void (*ended)(struct stream *, enum stream_end_reason))
{
	memset(stream, 0, sizeof(*stream));
	stream->plane = plane;
	stream->ended = ended;
	stream->retry.fire = on_retry;
	stream->look.fire = on_look;
	stream->urgent.fire = on_urgent;
	stream->retry_after = RETRY_FIRST;
	for (int i = 0; i < 2; i++) {
		stream->ends[i].watch.fd = -1;
		stream->ends[i].stream = stream;
		stream->directions[i].stream = stream;
		stream->directions[i].pipe = STREAM_NO_PIPE;
		stream->directions[i].slot = SLOT_NONE;
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
		advance(stream, i);
	settle(stream);
}

void stream_close(struct stream *stream, bool reset)
{
	stream->running = false;
	timer_disarm(stream->plane->timers, &stream->retry);
	timer_disarm(stream->plane->timers, &stream->look);
	timer_disarm(stream->plane->timers, &stream->urgent);
	for (int i = 0; i < 2; i++) {
		struct stream_end *side = &stream->ends[i];

		if (side->watch.fd >= 0 && reset)
			socket_reset_on_close(side->watch.fd);
		watch_close(&side->watch);
		free(stream->directions[i].pending);
		stream->directions[i].pending = NULL;
		splice_done(stream, i);
	}
	if (stream->plane->kernel)
		sockmap_forget(stream);
}
