// SPDX-License-Identifier: BSD-2-Clause
/* The sockmap as a path among others: the steps of sockmap.h, in the places where stream.c asks. */
#include "common/base/clock.h"
#include "user/plane/copy.h"
#include "user/plane/sockmap/gate.h"
#include "user/plane/sockmap/sockmap.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#define URGENT_EVERY NS_PER_S

/* Where nothing tells of an urgent byte. */
struct sockmap_urgent {
	struct stream *stream;
	struct timer timer;
};

static int prepare(const struct path_wants *wants, void **ret, char why[PATH_WHY])
{
	const struct kernel_options options = {
		.workers = wants->workers,
		.connections = wants->connections,
	};
	struct kernel *kernel = NULL;

	if (!gate_open(wants->forced, &options, &kernel, why))
		return -EOPNOTSUPP;
	*ret = kernel;
	return 0;
}

static void dispose(void *shared)
{
	kernel_close(shared);
}

static void on_event(struct stream_direction *direction, enum flow_event event)
{
	struct stream *stream = direction->stream;
	int i = direction == &stream->directions[1];

	if (!stream->running)
		return;
	switch (event) {
	case FLOW_BROKEN:
		stream_stop(stream, STREAM_BROKEN);
		break;
	case FLOW_BUSY:
		sockmap_busy_seen(stream, i);
		stream_look(stream);
		break;
	case FLOW_SPILLED:
		sockmap_given_back(stream, i);
		stream_given_back(stream, i);
		break;
	}
}

static void on_ring(struct watch *watch, uint32_t events)
{
	(void)events;
	kernel_share_consume(container_of(watch, struct sockmap_worker, ring)->share);
}

static int open_worker(struct path *path, void *shared, unsigned number)
{
	struct sockmap_worker *worker = calloc(1, sizeof(*worker));

	path->own = worker;
	if (!worker)
		return -ENOMEM;
	worker->ring.fd = -1;
	worker->epoll = path->plane->epoll;
	int r = kernel_share_new(shared, number, on_event, &worker->share);
	if (r < 0)
		return r;
	worker->ring.fd = kernel_share_fd(worker->share);
	worker->ring.ready = on_ring;
	return watch_set(worker->epoll, &worker->ring, EPOLLIN);
}

static void close_worker(struct path *path)
{
	struct sockmap_worker *worker = path->own;

	if (!worker)
		return;
	if (worker->ring.fd >= 0)
		watch_remove(worker->epoll, &worker->ring);
	kernel_share_free(worker->share);
	free(worker);
	path->own = NULL;
}

static void on_urgent(struct timer *timer)
{
	struct stream *stream = container_of(timer, struct sockmap_urgent, timer)->stream;

	if (sockmap_stopped_at_urgent(stream))
		stream_stop(stream, STREAM_URGENT);
	else
		timer_arm(stream->plane->timers, timer, clock_now() + URGENT_EVERY);
}

static int watch_for_urgent(struct stream *stream)
{
	struct sockmap_stream *state = stream->path_state;

	if (state->urgent || !sockmap_stops_at_urgent(stream))
		return 0;
	state->urgent = calloc(1, sizeof(*state->urgent));
	if (!state->urgent)
		return -ENOMEM;
	state->urgent->stream = stream;
	state->urgent->timer.fire = on_urgent;
	timer_arm(stream->plane->timers, &state->urgent->timer, clock_now() + URGENT_EVERY);
	return 0;
}

static int enter(struct stream *stream, int i)
{
	int r = watch_for_urgent(stream);

	return r < 0 ? r : sockmap_enter(stream, i);
}

static void forget(struct stream *stream)
{
	struct sockmap_stream *state = stream->path_state;

	if (state->urgent)
		timer_disarm(stream->plane->timers, &state->urgent->timer);
	free(state->urgent);
	state->urgent = NULL;
	sockmap_forget(stream);
}

/* In user space bytes move by copying, since splice() cannot read what the program has passed. */
static enum move_result move(struct stream *stream, int i)
{
	sockmap_observe(stream, i);
	if (stream->directions[i].away)
		return MOVE_AWAY;
	enum move_result r = copy_move(stream, i);
	return r == MOVE_MORE && sockmap_ask_for_passed(stream, i) ? MOVE_MORE_UNTOLD : r;
}

static bool at_rest(struct stream *stream, int i)
{
	if (sockmap_ask_for_passed(stream, i))
		return true;
	sockmap_offer(stream, i);
	return false;
}

static enum move_result received(struct stream *stream, int i)
{
	/* Before the bytes go on: FLOW_BROKEN may still be in the ring. */
	if (sockmap_is_broken(stream, i))
		return MOVE_BROKEN;
	return sockmap_read_past(stream, i) ? MOVE_URGENT : MOVE_DRY;
}

static enum move_result clear_to_send(struct stream *stream, int i)
{
	int r = sockmap_clear_to_send(stream, i);

	if (r < 0)
		return MOVE_RESET_OUT;
	return r && !sockmap_unsafe_to_send(stream, i) ? MOVE_DRY : MOVE_WAIT;
}

static enum move_result drained(struct stream *stream, int i)
{
	int r = sockmap_drained(stream, i);

	if (r < 0)
		return MOVE_RESET_IN;
	if (r == 1)
		return MOVE_DRY;
	if (sockmap_stopped_at_urgent(stream))
		return MOVE_URGENT;
	(void)sockmap_ask_for_passed(stream, i);
	return MOVE_WAIT;
}

const struct path_ops sockmap_path = {
	.name = "sockmap",
	.state_bytes = sizeof(struct sockmap_stream),
	.prepare = prepare,
	.dispose = dispose,
	.open = open_worker,
	.close = close_worker,
	.enter = enter,
	.hold = sockmap_hold,
	.leave = sockmap_leave,
	.forget = forget,
	.move = move,
	.at_rest = at_rest,
	.received = received,
	.clear_to_send = clear_to_send,
	.drained = drained,
	.carried = sockmap_redirected,
	.counts = sockmap_counts,
};
