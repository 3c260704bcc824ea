// SPDX-License-Identifier: BSD-2-Clause
#include "user/plane/sockmap/sockmap.h"

#include "common/base/clock.h"
#include "common/loop/socket.h"
#include "user/plane/sockmap/account.h"
#include "user/plane/sockmap/kernel.h"
#include "user/plane/sockmap/suitable.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

struct kernel_share *sockmap_share(const struct stream *stream)
{
	return ((struct sockmap_worker *)stream->path->own)->share;
}

static struct sockmap_direction *direction_of(const struct stream *stream, int i)
{
	return &((struct sockmap_stream *)stream->path_state)->directions[i];
}

static struct sockmap_end *end_of(const struct stream *stream, int i)
{
	return &((struct sockmap_stream *)stream->path_state)->ends[i];
}

volatile struct flow *sockmap_flow(const struct stream *stream, int i)
{
	return kernel_flow(sockmap_share(stream), direction_of(stream, i)->slot);
}

static bool has_slot(const struct stream *stream, int i)
{
	return direction_of(stream, i)->has_slot;
}

/* What user space has read of direction i since its source was put into the map. */
static uint64_t read_inside(const struct stream *stream, int i)
{
	return stream->ends[i].read - direction_of(stream, i)->passed_base;
}

uint64_t sockmap_unread(const struct stream *stream, int i)
{
	return end_of(stream, i)->in_map ? sockmap_flow(stream, i)->passed - read_inside(stream, i)
					 : 0;
}

bool sockmap_all_read(const struct stream *stream, int i)
{
	return sockmap_unread(stream, i) == 0;
}

bool sockmap_is_broken(const struct stream *stream, int i)
{
	return end_of(stream, i)->in_map && sockmap_flow(stream, i)->broken;
}

uint64_t sockmap_redirected(const struct stream *stream, int i)
{
	return has_slot(stream, i) ? sockmap_flow(stream, i)->redirected : 0;
}

void sockmap_counts(const struct stream *stream, int i, struct stream_counts *counts)
{
	if (!has_slot(stream, i))
		return;
	volatile struct flow *flow = sockmap_flow(stream, i);

	counts->spills += flow->spills;
	counts->switches += flow->switches;
	counts->overlaps += flow->overlaps;
}

static int take_slots(struct stream *stream)
{
	for (int i = 0; i < 2; i++) {
		int r = kernel_slot_take(sockmap_share(stream), end_of(stream, i)->cookie,
					 stream->plane->settings->kernel_budget,
					 &stream->directions[i], &direction_of(stream, i)->slot);
		if (r < 0)
			return r;
		direction_of(stream, i)->has_slot = true;
	}
	for (int i = 0; i < 2; i++)
		sockmap_flow(stream, i)->peer_slot = direction_of(stream, !i)->slot;
	return 0;
}

static int prepare_end(struct stream *stream, int i)
{
	const struct stream_end *end = &stream->ends[i];
	struct sockmap_end *prepared = end_of(stream, i);
	socklen_t length = sizeof(prepared->cookie);
	uint64_t taken;

	int r = suitable_for_sockmap(end->watch.fd, end->read);
	if (r < 0)
		return r;
	r = account_taken_exactly(end->watch.fd, &taken);
	if (r < 0)
		return r;
	if (getsockopt(end->watch.fd, SOL_SOCKET, SO_COOKIE, &prepared->cookie, &length) < 0)
		return -errno;
	/* What was redirected to this end in an earlier stay is among what its TCP has taken. */
	prepared->taken_base = taken - end->sent - stream->directions[!i].carried;
	return 0;
}

static int prepare(struct stream *stream)
{
	const struct sockmap_worker *worker = stream->path->own;

	if (worker->no_way_out)
		return -EPERM;
	for (int i = 0; i < 2; i++) {
		int r = prepare_end(stream, i);
		if (r < 0)
			return r;
	}
	return take_slots(stream);
}

/* Attach the program to end i: it is what the other end's segments may be redirected to. */
static int insert(struct stream *stream, int i)
{
	int fd = stream->ends[i].watch.fd;

	int r = kernel_peer_add(sockmap_share(stream), end_of(stream, !i)->cookie, fd);
	if (r < 0)
		return r;
	end_of(stream, i)->in_map = true;
	direction_of(stream, i)->passed_base = stream->ends[i].read;
	/* Bytes that came between our last recv() and the insert wait for a data_ready. */
	socket_lowat(fd, 1);
	return 0;
}

int sockmap_enter(struct stream *stream, int i)
{
	bool first = !end_of(stream, !i)->in_map;

	int r = first ? prepare(stream) : 0;
	return r < 0 ? r : insert(stream, i);
}

uint64_t sockmap_moved(const struct stream *stream, int i)
{
	return stream->directions[i].carried + sockmap_redirected(stream, i);
}

/* 1: user space has read, or the program has redirected, all that TCP has received on this side. */
static int caught_up(struct stream *stream, int i)
{
	const struct stream_end *source = &stream->ends[i];
	struct account_in in;

	int r = account_received(source->watch.fd, &in);
	if (r < 0)
		return r;
	uint64_t seen = source->read + sockmap_moved(stream, i);
	/* Closed, and not by a FIN: a reset that epoll has shown as a hang-up only. */
	if (source->fin_seen && in.state == TCP_CLOSE && in.received == seen)
		return -ECONNRESET;
	return in.received == seen + (source->fin_seen ? 1 : 0);
}

void sockmap_offer(struct stream *stream, int i)
{
	if (stream->leaving || stream->ends[i].fin_seen || !end_of(stream, 0)->in_map ||
	    !end_of(stream, 1)->in_map)
		return;
	volatile struct flow *flow = sockmap_flow(stream, i);
	/* Its event has not been read yet, and will lead here: so there is never a second in the
	 * ring. */
	if (flow->spills != direction_of(stream, i)->spills_seen)
		return;
	/* Before the count of received bytes: what is passed in between makes the two differ. */
	uint64_t passed = flow->passed;

	if (caught_up(stream, i) != 1)
		return;
	flow->delivered = passed;
	flow->offered = 1;
}

/*
 * A worker without room for a passed skb keeps it until somebody calls it
 * again, which on the kernels that need this is sk_write_space(). Setting this
 * option does so, and else nothing: it is what socket_prepare() has set.
 */
static void call_worker(int fd)
{
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &SOCKET_NOTSENT_LOWAT,
			 sizeof(SOCKET_NOTSENT_LOWAT));
}

bool sockmap_ask_for_passed(struct stream *stream, int i)
{
	if (!kernel_quirks(sockmap_share(stream))->passes_out_of_order ||
	    sockmap_all_read(stream, i))
		return false;
	call_worker(stream->ends[i].watch.fd);
	return true;
}

bool sockmap_read_past(const struct stream *stream, int i)
{
	return sockmap_stops_at_urgent(stream) && end_of(stream, i)->in_map &&
	       read_inside(stream, i) > sockmap_flow(stream, i)->passed;
}

bool sockmap_stops_at_urgent(const struct stream *stream)
{
	return kernel_quirks(sockmap_share(stream))->stops_at_urgent;
}

bool sockmap_stopped_at_urgent(const struct stream *stream)
{
	struct pollfd ends[2];

	if (!sockmap_stops_at_urgent(stream))
		return false;
	for (int i = 0; i < 2; i++)
		ends[i] = (struct pollfd){
			.fd = end_of(stream, i)->in_map ? stream->ends[i].watch.fd : -1,
			.events = POLLPRI,
		};
	return poll(ends, 2, 0) > 0 && ((ends[0].revents | ends[1].revents) & POLLPRI);
}

void sockmap_observe(struct stream *stream, int i)
{
	if (!stream->leaving && sockmap_flow(stream, i)->mode == FLOW_KERNEL)
		stream->directions[i].away = true;
}

void sockmap_busy_seen(struct stream *stream, int i)
{
	volatile struct flow *flow = sockmap_flow(stream, i);

	flow->busy_seen = flow->busy_told;
}

void sockmap_given_back(struct stream *stream, int i)
{
	struct sockmap_direction *direction = direction_of(stream, i);

	direction->check_backlog = true;
	direction->spills_seen++;
}

/*
 * The program may take the direction, redirect, and give it back before its
 * event is read. Bytes that were passed after that are received here first:
 * the count of switches, read after them, tells.
 */
int sockmap_clear_to_send(struct stream *stream, int i)
{
	struct sockmap_direction *direction = direction_of(stream, i);
	uint32_t switches = sockmap_flow(stream, i)->switches;

	if (switches != direction->switches_seen) {
		direction->switches_seen = switches;
		direction->check_backlog = true;
	}
	if (!direction->check_backlog)
		return 1;
	int r = sockmap_backlog_empty(stream, i);
	if (r == 1)
		direction->check_backlog = false;
	return r;
}

bool sockmap_unsafe_to_send(struct stream *stream, int i)
{
	return !sockmap_all_read(stream, !i) &&
	       tcp_memory_is_short_now(&stream->plane->load, clock_now());
}

int sockmap_backlog_empty(struct stream *stream, int i)
{
	const struct stream_end *target = &stream->ends[!i];
	uint64_t taken;

	int r = account_taken(target->watch.fd, &taken);
	if (r < 0)
		return r;
	return taken - end_of(stream, !i)->taken_base >= target->sent + sockmap_moved(stream, i);
}

int sockmap_drained(struct stream *stream, int i)
{
	int r = caught_up(stream, i);

	return r == 1 ? sockmap_backlog_empty(stream, i) : r;
}

void sockmap_hold(struct stream *stream)
{
	struct account_in in;

	for (int i = 0; i < 2; i++) {
		sockmap_flow(stream, i)->offered = 0;
		/* After this call no program that saw the offer is still running. */
		(void)account_received(stream->ends[i].watch.fd, &in);
		stream->directions[i].away = false;
		direction_of(stream, i)->check_backlog = true;
	}
}

void sockmap_forget(struct stream *stream)
{
	for (int i = 0; i < 2; i++)
		if (has_slot(stream, i))
			kernel_slot_give_back(sockmap_share(stream), direction_of(stream, i)->slot);
}
