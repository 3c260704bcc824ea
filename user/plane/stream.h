/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two connected sockets, and the bytes between them. This is the interface of
 * user/plane: who pairs two sockets starts a stream and is told when it has
 * ended. Every byte arrives once and in order, or both ends are reset.
 *
 * A stream goes by one path at a time (path.h): by copying, through pipes, or
 * inside the kernel. What a path keeps of a stream is the path's own and not
 * to be seen here.
 */
#pragma once

#include "common/loop/timer.h"
#include "common/loop/watch.h"
#include "user/plane/load_watch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct path;
struct paths;
struct stream;

#define STREAM_CHUNK \
	(64 * 1024) /* bytes that user space may hold of a direction, and moves at once */

enum stream_forwarding {
	FORWARD_AUTO,
	FORWARD_SOCKMAP,
	FORWARD_SPLICE,
	FORWARD_COPY,
};

/* What a path is for. The rules of choose.c choose among these; the table of paths says who serves.
 */
enum path_role {
	PATH_BASE,  /* every stream begins here, and comes by here from one path to another */
	PATH_BULK,  /* many bytes at once */
	PATH_QUIET, /* a message now and then; user space sleeps meanwhile */
	PATH_ROLES,
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
	char *scratch; /* STREAM_CHUNK bytes */
	struct path *paths;
	unsigned n_paths;
	struct path *by_role[PATH_ROLES]; /* NULL: nobody serves */
	struct load_watch load;
};

/*
 * Open the paths for the worker `worker` (0, 1, …), whose epoll, timers and
 * settings are in `plane` already. `paths`: of the process, see path.h; outlive
 * the plane. -errno; plane_close() is to be called in any case.
 */
int plane_open(struct plane *plane, const struct paths *paths, unsigned worker);
void plane_close(struct plane *plane); /* after all its streams are closed */

struct stream_end {
	struct stream *stream;
	struct watch watch;
	uint64_t read; /* bytes that user space has received from this socket since it was connected
			*/
	uint64_t sent; /* bytes that user space has sent to it */
	uint64_t sent_before; /* `sent` when the stream began */
	bool fin_seen;        /* the peer has half-closed */
	bool fin_sent;        /* and so have we */
	bool joined;          /* the path has taken this end: path_ops.enter */
	bool hung_up; /* closed both ways: epoll would report it for ever, so it is not asked any
			 more */
};

/* What the program in the kernel has counted for a direction, beside bytes. */
struct stream_counts {
	uint32_t spills, switches, overlaps;
};

/* ends[i] → ends[!i] */
struct stream_direction {
	struct stream *stream;
	char *pending; /* received, not yet accepted by the other socket; NULL: none */
	uint32_t pending_start, pending_end;
	uint32_t held;         /* bytes that the path has in its hands, beside `pending` */
	uint32_t burst_spills; /* times in this burst that the path has given the direction back */
	uint64_t burst_start;  /* count of bytes when the current burst began: see choose.h */
	uint64_t carried; /* bytes that paths have moved past user space, until they were left */
	struct stream_counts counts; /* the same */
	bool away;    /* as far as user space knows, the path moves the direction by itself */
	bool waiting; /* for the retry timer */
	bool done;    /* FIN delivered */
};

enum stream_end_reason {
	STREAM_FINISHED, /* FIN both ways, every byte delivered */
	STREAM_RESET_BY_0,
	STREAM_RESET_BY_1,
	STREAM_IDLE,
	STREAM_STALLED, /* no progress while draining */
	STREAM_BROKEN,  /* a gap, or bytes missed on leaving the sockmap */
	STREAM_NO_MEMORY,
	STREAM_URGENT, /* this kernel cannot move what follows an urgent byte */
	STREAM_STUCK,  /* its sockets may not leave the sockmap any more */
};

struct stream {
	struct plane *plane;
	struct stream_end ends[2];
	struct stream_direction directions[2];
	struct path *path;     /* never NULL */
	struct path *entering; /* its ends go over to this one as they come to rest; or NULL */
	void *path_state;      /* of `path`: path_ops.state_bytes, NULL: none */
	uint8_t used, refused; /* a bit for each path: it was taken; it has refused these sockets */
	bool leaving;          /* has begun to leave `path`, and has to go on */
	bool running;
	uint64_t started, burst_began; /* ns */
	struct timer retry;            /* something that the kernel does not announce */
	uint64_t retry_after;          /* ns, doubles */
	struct timer look;             /* idle, drain and policy */
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

/* Close both ends at once, with RST unless the stream has finished. */
void stream_close(struct stream *stream, bool reset);

/* Bytes of direction i so far, through whatever path; and those that went past user space. */
uint64_t stream_bytes(const struct stream *stream, int i);
uint64_t stream_kernel_bytes(const struct stream *stream, int i);

struct stream_counts stream_kernel_counts(const struct stream *stream, int i);

const char *stream_reason_name(enum stream_end_reason reason);

/* The paths that were taken, "sockmap+splice"; written into `text`, which is returned. */
#define STREAM_PATHS_TEXT 64
const char *stream_path_name(const struct stream *stream, char text[STREAM_PATHS_TEXT]);
