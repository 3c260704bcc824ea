/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A path: one way to move a stream's bytes. stream.c asks the functions below
 * and knows no path by its name. Who adds a path writes one `struct path_ops`
 * and puts it into a table (user/plane/paths/); a stream is moved between paths
 * by set_path() of change.c alone.
 */
#pragma once

#include "user/plane/stream.h"

enum move_result {
	MOVE_DRY,         /* the source has no more for now, all is delivered */
	MOVE_BLOCKED,     /* the destination takes no more for now */
	MOVE_WAIT,        /* for what nobody announces: bytes under way, or memory */
	MOVE_MORE,        /* stopped so that others get their turn */
	MOVE_MORE_UNTOLD, /* the same, and epoll may not tell of the rest */
	MOVE_AWAY,        /* the path moves this direction by itself */
	MOVE_EOF,         /* the source has half-closed, all that user space had is delivered */
	MOVE_RESET_IN,    /* the source was reset */
	MOVE_RESET_OUT,   /* the destination was reset */
	MOVE_NO_MEMORY,
	MOVE_BROKEN, /* the kernel has delivered segments out of order */
	MOVE_URGENT, /* the kernel has stopped at an urgent byte, and cannot go on */
};

enum leave_result {
	LEAVE_DONE,
	LEAVE_BUSY,   /* bytes have to go on first, and epoll tells when: nothing has been begun */
	LEAVE_LATER,  /* something is under way that nobody announces: ask again */
	LEAVE_BROKEN, /* bytes were caught in between */
	LEAVE_NO_MEMORY,
	LEAVE_NOT_ALLOWED, /* for want of a privilege: there is no way out */
};

struct path_wants {
	bool forced; /* by the settings, whatever is known against it */
	unsigned workers;
	uint32_t connections; /* that may be open at once */
};

#define PATH_WHY   384
#define PATHS_MOST 8

/*
 * i: the direction ends[i] → ends[!i]. A function that may be NULL says so,
 * and what NULL stands for. Where a stream has this path, stream->path_state
 * are state_bytes of its own, zero at first.
 */
struct path_ops {
	const char *name;
	size_t state_bytes; /* 0: no state */

	/*
	 * Once in the process, before its threads: what all workers share goes into *ret,
	 * which is not NULL on success. Why the path can be had or not is said in `why`, for
	 * the log. -errno: it is not there. NULL: always there, nothing is shared.
	 */
	int (*prepare)(const struct path_wants *wants, void **ret, char why[PATH_WHY]);
	void (*dispose)(void *shared);

	/* For a worker: set path->own. -errno; then close() is called, too. NULL: nothing to do. */
	int (*open)(struct path *path, void *shared, unsigned worker);
	void (*close)(struct path *path);

	/*
	 * Direction i is at rest: ends[i] has just been read to EAGAIN, and all of it is
	 * delivered. Take end i over. 0: what came meanwhile has to be read. -EAGAIN: at the
	 * next rest. Other -errno: it cannot be. The stream has this path from the first end on;
	 * where the second cannot follow it stays so, with one end taken. NULL: a stream gets
	 * this path at once, whatever is under way.
	 */
	int (*enter)(struct stream *stream, int i);

	/* Leaving begins: ask back what moves by itself; it arrives as segments do. May be NULL. */
	void (*hold)(struct stream *stream);

	/* Whatever the path has of the stream has to be back. NULL: it has nothing. */
	enum leave_result (*leave)(struct stream *stream);

	/*
	 * The stream has left the path, or was closed with its sockets: give back what it has
	 * in the path. `carried` and `counts` were asked before. NULL: nothing.
	 */
	void (*forget)(struct stream *stream);

	/* Move what can be moved. */
	enum move_result (*move)(struct stream *stream, int i);

	/*
	 * Direction i is at rest, and nothing is being entered. True: something is missing that
	 * nobody announces, so look again later. May be NULL.
	 */
	bool (*at_rest)(struct stream *stream, int i);

	/*
	 * Both for copy_move(): bytes have been received and not sent yet. MOVE_DRY: they may go
	 * on; MOVE_WAIT: not now. The second is asked again before each later attempt. NULL:
	 * always.
	 */
	enum move_result (*received)(struct stream *stream, int i);
	enum move_result (*clear_to_send)(struct stream *stream, int i);

	/*
	 * After the FIN of the source: is nothing left between the two sockets? MOVE_DRY: so it
	 * is; MOVE_WAIT: not yet. NULL: user space has seen it all.
	 */
	enum move_result (*drained)(struct stream *stream, int i);

	/* Bytes of direction i that went past user space since it was entered. NULL: none. */
	uint64_t (*carried)(const struct stream *stream, int i);
	/* Add what was counted since it was entered. NULL: nothing. */
	void (*counts)(const struct stream *stream, int i, struct stream_counts *counts);
};

/* Of a worker. */
struct path {
	const struct path_ops *ops;
	struct plane *plane;
	void *own;
	unsigned index; /* in plane->paths */
};

/* Of two that serve a role, the first that is there. The end of a table has no ops. */
struct path_entry {
	enum path_role role;
	const struct path_ops *ops;
};

/* Of the process: a table, and what its paths' workers share. */
struct paths {
	const struct path_entry *table;
	void *shared[PATHS_MOST]; /* by place in the table; NULL: nothing, or the path is not there
				   */
};

/*
 * Prepare those that `forwarding` may choose. False: the quiet path is not
 * there. In any case `why` tells of it.
 */
bool paths_open(struct paths *paths, const struct path_entry *table,
		enum stream_forwarding forwarding, const struct path_wants *wants,
		char why[PATH_WHY]);
void paths_close(struct paths *paths); /* after all planes are closed */

/* What stream.c offers to paths. `stream` runs; where that is said, it may have ended afterwards.
 */

/* The path has given direction i back: user space moves what comes. May end it. */
void stream_given_back(struct stream *stream, int i);
/* Something has happened: is this still the right path? May end it. */
void stream_look(struct stream *stream);
/* Move what can be moved of direction i. May end it. */
void stream_advance(struct stream *stream, int i);
/* Look at both directions again after a pause, which grows each time. */
void stream_retry(struct stream *stream);
/* Close both ends, with RST unless it has finished, and tell who started it. */
void stream_stop(struct stream *stream, enum stream_end_reason reason);
