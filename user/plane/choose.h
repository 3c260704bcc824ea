/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which path a stream should take now. Asked whenever something has happened
 * to it, never by a clock of its own: an idle connection costs nothing. The
 * rules and the measurements behind them are in docs/performance.md.
 */
#pragma once

#include "user/plane/path.h"

/* Never NULL. `now`: ns. */
struct path *choose_path(struct stream *stream, uint64_t now);
