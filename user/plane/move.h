/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the plane offer to stream.c: ways to move bytes of one direction in user space.
 */
#pragma once

#include "user/plane/stream.h"

enum move_result {
	MOVE_DRY,       /* the source has no more for now, all is delivered */
	MOVE_BLOCKED,   /* the destination takes no more for now */
	MOVE_WAIT,      /* for what the kernel does not announce: bytes under way, or memory */
	MOVE_MORE,      /* stopped so that others get their turn */
	MOVE_EOF,       /* the source has half-closed, all that user space had is delivered */
	MOVE_RESET_IN,  /* the source was reset */
	MOVE_RESET_OUT, /* the destination was reset */
	MOVE_NO_MEMORY,
	MOVE_BROKEN, /* the kernel has delivered segments out of order */
	MOVE_URGENT, /* the kernel has stopped at an urgent byte, and cannot go on */
};

/* recv() and send(), at most STREAM_CHUNK bytes kept while the destination is blocked. */
enum move_result copy_move(struct stream *stream, int i);

/* splice() through a pipe, which is lent only while bytes are in it; by copying while no pipe is to
 * be had. */
enum move_result splice_move(struct stream *stream, int i);

struct pipe_pool;
struct pipe_pool *pipe_pool_new(unsigned most); /* NULL: out of memory */
void pipe_pool_free(struct pipe_pool *pool);

/* Give an empty pipe back to the pool, close one that still holds bytes. */
void splice_done(struct stream *stream, int i);
