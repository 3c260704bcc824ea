/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two connected sockets, and the bytes between them. This is the interface of
 * user/plane: who pairs two sockets starts a stream and is told when it has
 * ended. Every byte arrives once and in order, or both ends are reset.
 */
#pragma once

#include "bpf/forward.h"
#include "common/loop/timer.h"
#include "common/loop/watch.h"
#include "user/plane/load_watch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernel_share;
struct stream;

#define STREAM_CHUNK \
	(64 * 1024) /* bytes that user space may hold of a direction, and moves at once */

enum stream_forwarding {
	FORWARD_AUTO,
	FORWARD_SOCKMAP,
	FORWARD_SPLICE,
	FORWARD_COPY,
};

enum stream_path {
	PATH_COPY,
	PATH_SPLICE,
	PATH_SOCKMAP,
};

/* How FORWARD_AUTO chooses; the figures behind the defaults are in docs/performance.md. */
struct auto_rules {
	uint64_t sockmap_after; /* ns; a stream that ends sooner never touches a map */
	uint64_t burst_length;  /* ns */
	uint64_t bulk_bytes;    /* of one direction within a burst: splice */
	unsigned bulk_spills;   /* of one direction within a burst, beside its bytes: out of the
				   sockmap */
	unsigned busy_percent;  /* of all processors: from here on no stream stays in the sockmap */
	unsigned calm_percent;  /* up to here streams may enter it */
};

/* Settings of the plane, the same for all streams of a worker. */
struct plane_settings {
	enum stream_forwarding forwarding;
	struct auto_rules rules;
	uint32_t kernel_budget; /* bytes that may wait for the kernel's worker, a direction */
	uint32_t
		memory; /* bytes a direction, socket buffers included; 0: the system's own limits */
	uint64_t idle_timeout;  /* ns, 0: never */
	uint64_t drain_timeout; /* ns without progress while one side has closed, 0: never */
};

/* What a worker lends to its streams. */
struct plane {
	int epoll;
	struct timers *timers;
	const struct plane_settings *settings;
	struct kernel_share *kernel; /* NULL: the sockmap is not to be had */
	char *scratch;               /* STREAM_CHUNK bytes */
	struct pipe_pool *pipes;
	struct load_watch load;
};

struct stream_end {
	struct stream *stream;
	struct watch watch;
	uint64_t read; /* bytes that user space has received from this socket since it was connected
			*/
	uint64_t sent; /* bytes that user space has sent to it */
	uint64_t sent_before; /* `sent` when the stream began */
	uint64_t taken_base;  /* see account.h */
	uint64_t cookie;
	bool fin_seen; /* the peer has half-closed */
	bool fin_sent; /* and so have we */
	bool in_map;   /* of the sockets that the program is attached to */
	bool hung_up;  /* closed both ways: epoll would report it for ever, so it is not asked any
			  more */
};

/* Lent by the worker while bytes are in it. */
struct stream_pipe {
	int fds[2];     /* to read from, to write to; −1: none */
	uint32_t bytes; /* that it holds at most */
};
#define STREAM_NO_PIPE ((struct stream_pipe){{-1, -1}, 0})

/* What the program has counted for a direction, beside bytes. */
struct stream_counts {
	uint32_t spills, switches, overlaps;
};

/* ends[i] → ends[!i] */
struct stream_direction {
	struct stream *stream;
	char *pending; /* received, not yet accepted by the other socket; NULL: none */
	uint32_t pending_start, pending_end;
	struct stream_pipe pipe;     /* of the splice path */
	uint32_t in_pipe;            /* bytes */
	uint32_t slot;               /* in the flows map, SLOT_NONE: none */
	struct stream_counts counts; /* of slots given back */
	uint64_t kernel_before;      /* bytes redirected under earlier slots */
	uint64_t passed_base;        /* the source's `read` when it was put into the map */
	uint64_t burst_start;        /* count of bytes when the current burst began: see choose.h */
	uint32_t burst_spills;
	uint32_t switches_seen; /* of the flow's `switches` */
	uint32_t spills_seen;   /* events of `spills` that have been read */
	bool in_kernel;         /* as far as user space knows, the program has the direction */
	bool check_backlog; /* redirected bytes may be under way: send nothing before they have been
			       taken */
	bool waiting;       /* for the retry timer */
	bool done;          /* FIN delivered */
};

#define SLOT_NONE UINT32_MAX

enum stream_end_reason {
	STREAM_FINISHED, /* FIN both ways, every byte delivered */
	STREAM_RESET_BY_0,
	STREAM_RESET_BY_1,
	STREAM_IDLE,
	STREAM_STALLED, /* no progress while draining */
	STREAM_BROKEN,  /* a gap, or bytes missed on leaving the sockmap */
	STREAM_NO_MEMORY,
	STREAM_URGENT, /* this kernel cannot move what follows an urgent byte */
};

struct stream {
	struct plane *plane;
	struct stream_end ends[2];
	struct stream_direction directions[2];
	enum stream_path path;
	bool running;
	bool entering;   /* ends go into the map as they are read to EAGAIN */
	bool no_sockmap; /* the kernel has refused these sockets once */
	bool leaving;    /* on the way out of the sockmap */
	bool used_sockmap, used_splice;
	uint64_t started, burst_began; /* ns */
	struct timer retry;            /* something that the kernel does not announce */
	uint64_t retry_after;          /* ns, doubles */
	struct timer look;             /* idle, drain and policy */
	struct timer urgent;           /* where nothing tells of urgent bytes */
	uint64_t last_total, last_progress;
	bool draining; /* a FIN has come that has not gone out yet */
	void (*ended)(struct stream *stream, enum stream_end_reason reason);
};

/* Before anything else: no descriptors, nothing armed. */
void stream_init(struct stream *stream, struct plane *plane,
		 void (*ended)(struct stream *, enum stream_end_reason));

/*
 * Begin to forward between ends[0] and ends[1], whose descriptors the stream
 * has been given (connected, non-blocking, prepared by socket_prepare()), with `read` and `sent`
 * telling what has gone over them before. `ended` may be called before this returns.
 */
void stream_start(struct stream *stream);

/* The worker passes on what a ring told (kernel_event of kernel.h). */
void stream_kernel_event(struct stream_direction *direction, enum flow_event event);

/* Close both ends at once, with RST unless the stream has finished. */
void stream_close(struct stream *stream, bool reset);

/* Bytes of direction i so far, through whatever path; and those moved by the program. */
uint64_t stream_bytes(const struct stream *stream, int i);
uint64_t stream_kernel_bytes(const struct stream *stream, int i);

struct stream_counts stream_kernel_counts(const struct stream *stream, int i);

const char *stream_reason_name(enum stream_end_reason reason);
const char *stream_path_name(const struct stream *stream);
