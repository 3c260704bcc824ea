// SPDX-License-Identifier: BSD-2-Clause
#include "user/plane/sockmap/sockmap.h"

#include "common/base/clock.h"
#include "common/loop/socket.h"
#include "user/plane/sockmap/account.h"
#include "user/plane/sockmap/kernel.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

static volatile struct flow *flow_of(const struct stream *stream, int i)
{
	return kernel_flow(stream->plane->kernel, stream->directions[i].slot);
}

static bool has_slot(const struct stream *stream, int i)
{
	return stream->directions[i].slot != SLOT_NONE;
}

bool sockmap_all_read(const struct stream *stream, int i)
{
	return !stream->ends[i].in_map ||
	       flow_of(stream, i)->passed ==
		       stream->ends[i].read - stream->directions[i].passed_base;
}

bool sockmap_is_broken(const struct stream *stream, int i)
{
	return stream->ends[i].in_map && flow_of(stream, i)->broken;
}

uint64_t sockmap_redirected(const struct stream *stream, int i)
{
	uint64_t redirected = stream->directions[i].kernel_before;

	if (has_slot(stream, i))
		redirected += flow_of(stream, i)->redirected;
	return redirected;
}

struct stream_counts sockmap_counts(const struct stream *stream, int i)
{
	struct stream_counts counts = stream->directions[i].counts;

	if (has_slot(stream, i)) {
		volatile struct flow *flow = flow_of(stream, i);
		counts.spills += flow->spills;
		counts.switches += flow->switches;
		counts.overlaps += flow->overlaps;
	}
	return counts;
}

static int take_slots(struct stream *stream)
{
	struct kernel_share *share = stream->plane->kernel;

	for (int i = 0; i < 2; i++) {
		int r = kernel_slot_take(share, stream->ends[i].cookie,
					 stream->plane->settings->kernel_budget,
					 &stream->directions[i], &stream->directions[i].slot);
		if (r < 0) {
			sockmap_forget(stream);
			return r;
		}
	}
	for (int i = 0; i < 2; i++)
		flow_of(stream, i)->peer_slot = stream->directions[!i].slot;
	return 0;
}

/* Only ESTABLISHED can be inserted (EOPNOTSUPP otherwise): a client that has half-closed stays
 * outside. */
static int prepare_end(struct stream_end *end)
{
	socklen_t length = sizeof(end->cookie);
	struct account_in in;
	uint64_t taken;

	int r = account_received(end->watch.fd, &in);
	if (r < 0)
		return r;
	if (in.state != TCP_ESTABLISHED)
		return -EOPNOTSUPP;
	/* Bytes that user space did not read came before it was given the socket: no base to count
	 * from. */
	if (in.received < end->read)
		return -EOPNOTSUPP;
	r = account_taken_exactly(end->watch.fd, &taken);
	if (r < 0)
		return r;
	if (getsockopt(end->watch.fd, SOL_SOCKET, SO_COOKIE, &end->cookie, &length) < 0)
		return -errno;
	end->taken_base = taken - end->sent;
	return 0;
}

static int prepare(struct stream *stream)
{
	for (int i = 0; i < 2; i++) {
		/* The count of redirected bytes is part of what this end's TCP has taken. */
		int r = prepare_end(&stream->ends[i]);
		if (r < 0)
			return r;
		stream->ends[i].taken_base -= stream->directions[!i].kernel_before;
	}
	return take_slots(stream);
}

/* Attach the program to end i: it is what the other end's segments may be redirected to. */
static int insert(struct stream *stream, int i)
{
	int r = kernel_peer_add(stream->plane->kernel, stream->ends[!i].cookie,
				stream->ends[i].watch.fd);
	if (r < 0)
		return r;
	stream->ends[i].in_map = true;
	stream->directions[i].passed_base = stream->ends[i].read;
	/* Bytes that came between our last recv() and the insert wait for a data_ready. */
	socket_lowat(stream->ends[i].watch.fd, 1);
	return 0;
}

int sockmap_enter(struct stream *stream, int i)
{
	bool first = stream->path != PATH_SOCKMAP;

	if (!stream->plane->kernel)
		return -EOPNOTSUPP;
	int r = first ? prepare(stream) : 0;
	if (r < 0)
		return r;
	r = insert(stream, i);
	if (r < 0 && first)
		sockmap_forget(stream);
	if (r < 0)
		return r;
	stream->path = PATH_SOCKMAP;
	stream->used_sockmap = true;
	return 0;
}

/* 1: user space has read, or the program has redirected, all that TCP has received on this side. */
static int caught_up(struct stream *stream, int i)
{
	const struct stream_end *source = &stream->ends[i];
	struct account_in in;

	int r = account_received(source->watch.fd, &in);
	if (r < 0)
		return r;
	uint64_t seen = source->read + sockmap_redirected(stream, i);
	/* Closed, and not by a FIN: a reset that epoll has shown as a hang-up only. */
	if (source->fin_seen && in.state == TCP_CLOSE && in.received == seen)
		return -ECONNRESET;
	return in.received == seen + (source->fin_seen ? 1 : 0);
}

void sockmap_offer(struct stream *stream, int i)
{
	if (stream->leaving || stream->ends[i].fin_seen || !stream->ends[0].in_map ||
	    !stream->ends[1].in_map)
		return;
	volatile struct flow *flow = flow_of(stream, i);
	/* Its event has not been read yet, and will lead here: so there is never a second in the
	 * ring. */
	if (flow->spills != stream->directions[i].spills_seen)
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
	if (!kernel_quirks(stream->plane->kernel)->passes_out_of_order ||
	    sockmap_all_read(stream, i))
		return false;
	call_worker(stream->ends[i].watch.fd);
	return true;
}

bool sockmap_read_past(const struct stream *stream, int i)
{
	const struct stream_end *source = &stream->ends[i];

	return sockmap_stops_at_urgent(stream) && source->in_map &&
	       source->read - stream->directions[i].passed_base > flow_of(stream, i)->passed;
}

bool sockmap_stops_at_urgent(const struct stream *stream)
{
	return stream->path == PATH_SOCKMAP &&
	       kernel_quirks(stream->plane->kernel)->stops_at_urgent;
}

bool sockmap_stopped_at_urgent(const struct stream *stream)
{
	struct pollfd ends[2];

	if (!sockmap_stops_at_urgent(stream))
		return false;
	for (int i = 0; i < 2; i++)
		ends[i] = (struct pollfd){
			.fd = stream->ends[i].in_map ? stream->ends[i].watch.fd : -1,
			.events = POLLPRI,
		};
	return poll(ends, 2, 0) > 0 && ((ends[0].revents | ends[1].revents) & POLLPRI);
}

void sockmap_observe(struct stream *stream, int i)
{
	struct stream_direction *direction = &stream->directions[i];

	if (!stream->leaving && flow_of(stream, i)->mode == FLOW_KERNEL)
		direction->in_kernel = true;
}

void sockmap_busy_seen(struct stream *stream, int i)
{
	volatile struct flow *flow = flow_of(stream, i);

	flow->busy_seen = flow->busy_told;
}

void sockmap_given_back(struct stream *stream, int i)
{
	struct stream_direction *direction = &stream->directions[i];

	direction->in_kernel = false;
	direction->check_backlog = true;
	direction->spills_seen++;
	direction->burst_spills++;
}

/*
 * The program may take the direction, redirect, and give it back before its
 * event is read. Bytes that were passed after that are received here first:
 * the count of switches, read after them, tells.
 */
int sockmap_clear_to_send(struct stream *stream, int i)
{
	struct stream_direction *direction = &stream->directions[i];
	uint32_t switches = flow_of(stream, i)->switches;

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
	return taken - target->taken_base >= target->sent + sockmap_redirected(stream, i);
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
		flow_of(stream, i)->offered = 0;
		/* After this call no program that saw the offer is still running. */
		(void)account_received(stream->ends[i].watch.fd, &in);
		stream->directions[i].in_kernel = false;
		stream->directions[i].check_backlog = true;
	}
}

void sockmap_forget(struct stream *stream)
{
	for (int i = 0; i < 2; i++) {
		struct stream_direction *direction = &stream->directions[i];

		if (direction->slot == SLOT_NONE)
			continue;
		direction->counts = sockmap_counts(stream, i);
		direction->kernel_before += flow_of(stream, i)->redirected;
		kernel_slot_give_back(stream->plane->kernel, direction->slot);
		direction->slot = SLOT_NONE;
		direction->in_kernel = false;
		direction->check_backlog = false;
		direction->switches_seen = 0;
		direction->spills_seen = 0;
		stream->ends[i].in_map = false;
	}
}
