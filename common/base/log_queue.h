/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is logged waits here for a thread of its own, the only one that writes
 * to standard error once the queue runs. So a disk that is slow, a terminal
 * that is held, or a log collector that has stopped, holds up that thread and
 * no other: whoever logs copies a line into memory and goes on.
 */
#pragma once

#include <stddef.h>

/*
 * From now on log lines are kept, up to `bytes` of them, and written in the
 * order in which they came, some milliseconds later. Of those for which there
 * is no room one line tells how many there were, at their place. The thread has
 * the privileges of the caller and takes no signal. A child made by fork(2) has
 * no queue and writes for itself. -ENOMEM, or -errno of pthread_create(3).
 */
int log_queue_start(size_t bytes);

/*
 * Write what is kept, but do not wait for whoever reads standard error longer
 * than a second. Afterwards lines are written directly again. For the end of a
 * process; any thread may call it, also when others still log.
 */
void log_queue_stop(void);

/*
 * One whole line, the newline included. For log.c. While the queue does not
 * run, it is written here and now, and waits for the output.
 */
void log_queue_put(const char *line, size_t length);
