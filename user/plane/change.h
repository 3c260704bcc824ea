/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stream's way from one path to another. It leads by the base path, where
 * user space has every byte, so that no two others have to know of each other.
 */
#pragma once

#include "user/plane/path.h"

/* Towards `wanted`, as far as it goes now; to be asked again at the next event. May end the stream.
 */
void change_path(struct stream *stream, struct path *wanted);

/* Direction i has been read to EAGAIN, and all of it delivered. May end the stream. */
void change_at_rest(struct stream *stream, int i);

/* Give back what the stream has in its path; what the path has counted becomes the stream's own. */
void change_drop(struct stream *stream);
