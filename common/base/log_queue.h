/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What nobody reads from standard error waits here, so that a terminal that is
 * held, or a log collector that has stopped, holds up no connection.
 */
#pragma once

#include <stddef.h>

/*
 * From now on log lines that cannot be written at once are kept, up to `bytes`
 * of them, and written by a thread of their own, in order; of those beyond, one
 * line tells how many there were. The thread has the privileges of the caller
 * and takes no signal. -ENOMEM, or -errno of pthread_create(3).
 */
int log_queue_start(size_t bytes);

/* Lets whoever reads standard error have a second for what is kept. The last call of a process. */
void log_queue_stop(void);

/* One whole line, the newline included. For log.c: writes it, as good as it can. */
void log_queue_put(const char *line, size_t length);
