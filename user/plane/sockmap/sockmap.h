/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel path: both sockets of a stream in the sockhash, each direction
 * either with the program or with user space. The order of the steps is what
 * keeps bytes from being lost, doubled or overtaken: docs/kernel.md.
 */
#pragma once

#include "bpf/forward.h"
#include "user/plane/stream.h"

/*
 * Put end i into the map. User space must just have read it to EAGAIN: a
 * partly read skb would be delivered again in full. With the first of the two
 * the stream's path is the sockmap; both are needed before a direction can be
 * offered. 0: what came meanwhile has to be read. -errno: nothing has changed;
 * there is no way back for an end that is in already and may hold passed
 * bytes, so a stream may stay with one end inside, and user space moves its
 * bytes as ever.
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

/* What was passed of direction i has been received. */
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

/*
 * Out of the map: 1 when done and the stream's path is PATH_COPY; 0 when
 * something is still under way and it has to be tried again; -EBADMSG when
 * bytes were caught in between, -ENOMEM, and the stream has to be reset.
 */
int sockmap_leave(struct stream *stream);

/* Give back what the stream has in the maps, after its sockets were closed. */
void sockmap_forget(struct stream *stream);

struct stream_counts sockmap_counts(const struct stream *stream, int i);
/* Bytes of direction i that the program has redirected so far. */
uint64_t sockmap_redirected(const struct stream *stream, int i);
