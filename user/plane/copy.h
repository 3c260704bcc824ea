/* SPDX-License-Identifier: BSD-2-Clause */
/* The path on which every stream begins: recv() and send(). Others use its move for what they leave
 * to user space. */
#pragma once

#include "user/plane/path.h"

extern const struct path_ops copy_path;

/*
 * Move direction i, with at most STREAM_CHUNK bytes kept in `pending` while
 * they may not go on: `received` and `clear_to_send` of the stream's path are
 * asked.
 */
enum move_result copy_move(struct stream *stream, int i);
