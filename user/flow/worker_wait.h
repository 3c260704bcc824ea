/* SPDX-License-Identifier: BSD-2-Clause */
/* How a worker sleeps. */
#pragma once

#include <stdbool.h>

struct epoll_event;
struct worker;

/*
 * Waits for events or the next timer: at most `most` of them, as epoll_wait(2)
 * gives them. `busy`: the last turn had events. Returns how many, or -1 with errno.
 */
int worker_wait(struct worker *worker, struct epoll_event *events, int most, bool busy);
