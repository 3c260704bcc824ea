/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel path: both sockets of a stream in the sockhash, each direction
 * either with the program or with user space. The order of the steps is what
 * keeps bytes from being lost, doubled or overtaken: docs/kernel.md.
 */
#pragma once

#include "bpf/forward.h"
#include "user/plane/path.h"
#include "user/plane/sockmap/kernel.h"

/* What the table of paths names. Shared by the workers is a struct kernel. */
extern const struct path_ops sockmap_path;

/* Of a worker: path->own. */
struct sockmap_worker {
	struct kernel_share *share;
	int epoll;
	struct watch ring; /* what the program has to tell */
	bool no_way_out;   /* a stream was not allowed to leave: nobody enters any more */
};

struct sockmap_direction {
	uint32_t slot;          /* in the flows map, if has_slot */
	uint32_t switches_seen; /* of the flow's `switches` */
	uint32_t spills_seen;   /* events of `spills` that have been read */
	bool has_slot;
	bool check_backlog; /* redirected bytes may be under way: send nothing before they have been
			       taken */
	uint64_t passed_base; /* the source's `read` when it was put into the map */
};

struct sockmap_end {
	uint64_t cookie;
	uint64_t taken_base; /* see account.h */
	bool in_map;         /* of the sockets that the program is attached to */
};

/* Of a stream: path_state, while it is in the map or on its way in. Zero is nothing. */
struct sockmap_stream {
	struct sockmap_direction directions[2];
	struct sockmap_end ends[2];
	struct sockmap_urgent *urgent; /* owned; NULL where the kernel does not stop at it */
};

struct kernel_share *sockmap_share(const struct stream *stream);
volatile struct flow *sockmap_flow(const struct stream *stream, int i);

/*
 * Put end i into the map. User space must just have read it to EAGAIN: a
 * partly read skb would be delivered again in full. Both ends are needed before
 * a direction can be offered. 0: what came meanwhile has to be read. -errno:
 * it is not in; there is no way back for an end that is in already and may hold
 * passed bytes, so a stream may stay with one end inside, and user space moves
 * its bytes as ever.
 */
int sockmap_enter(struct stream *stream, int i);

/* Everything that was passed has been delivered: let the program take direction i. */
void sockmap_offer(struct stream *stream, int i);

/*
 * The program has passed bytes of direction i that recv() does not give yet.
 * On kernels that pass out of order (quirks.h) the kernel's worker has them,
 * and where the receive buffer was full it waits to be called: call it. True:
 * look again later, since there may still be no room. False: nothing is
 * missing, or this kernel needs no call.
 */
bool sockmap_ask_for_passed(struct stream *stream, int i);

/*
 * recv() has gone past what the program has seen of direction i, which only a
 * kernel that stops at urgent bytes lets it do: some of it may come again.
 */
bool sockmap_read_past(const struct stream *stream, int i);

/*
 * An urgent byte keeps the program from seeing the rest of a direction for
 * ever. It does not wake user space, so this has to be asked now and then. False
 * on a kernel that does not stop at it.
 */
bool sockmap_stops_at_urgent(const struct stream *stream);
bool sockmap_stopped_at_urgent(const struct stream *stream);

/* The program has given direction i back. */
void sockmap_given_back(struct stream *stream, int i);

/* The event FLOW_BUSY of direction i has been read. */
void sockmap_busy_seen(struct stream *stream, int i);

/* Note what the program has done: whether direction i is with the kernel. */
void sockmap_observe(struct stream *stream, int i);

/*
 * Asked between receiving bytes of direction i and sending them: 1 when they
 * overtake nothing, 0 when redirected bytes are still on their way. -errno.
 */
int sockmap_clear_to_send(struct stream *stream, int i);

/*
 * Direction i must not be written to now: its target holds unread passed
 * bytes, and TCP is short of memory (docs/kernel.md, "TCP memory").
 */
bool sockmap_unsafe_to_send(struct stream *stream, int i);

/*
 * The program has seen a gap in direction i: what it passes from there on must
 * not go on. It says so before the segment behind the gap can be received.
 */
bool sockmap_is_broken(const struct stream *stream, int i);

/* Bytes of direction i that were passed and not received yet; none of them. */
uint64_t sockmap_unread(const struct stream *stream, int i);
bool sockmap_all_read(const struct stream *stream, int i);

/* 1: every redirected byte of direction i has been taken by the peer's TCP; 0: not yet; -errno. */
int sockmap_backlog_empty(struct stream *stream, int i);

/*
 * After the source's FIN: 1 when every byte that TCP has received on it has
 * been read by user space or redirected, and taken by the peer. 0: not yet.
 */
int sockmap_drained(struct stream *stream, int i);

/* Ask both directions back; they arrive as the segments do. */
void sockmap_hold(struct stream *stream);

/* Out of the map, when nothing is under way. */
enum leave_result sockmap_leave(struct stream *stream);

/* Give back what the stream has in the maps, after it has left or its sockets were closed. */
void sockmap_forget(struct stream *stream);

void sockmap_counts(const struct stream *stream, int i, struct stream_counts *counts);
/* Bytes of direction i that the program has redirected in this stay; and in all stays. */
uint64_t sockmap_redirected(const struct stream *stream, int i);
uint64_t sockmap_moved(const struct stream *stream, int i);
