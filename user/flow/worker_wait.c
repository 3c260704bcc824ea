// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/worker_wait.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/log_queue.h"
#include "user/flow/connection.h"
#include "user/flow/worker.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

/* A connection whose handshakes may be under way. */
#define YOUNG (200 * NS_PER_MS)

/* Pairs are listed as they began. */
static bool has_crowd(const struct worker *worker)
{
	unsigned crowd = worker->config->yield_at;
	const struct connection *connection =
		crowd > 0 ? TAILQ_LAST(&worker->states[CONNECTION_PAIR], connection_list) : NULL;

	for (unsigned i = 1; connection && i < crowd; i++)
		connection = TAILQ_PREV(connection, connection_list, in_state);
	return connection && clock_now() - connection->stream.started < YOUNG;
}

/*
 * epoll_pwait2() counts in nanoseconds. It is there from 5.11 on, and where no
 * filter of system calls has forgotten it (EPERM); else milliseconds have to do.
 */
static int sleep_until(const struct worker *worker, struct epoll_event *events, int most)
{
	static _Atomic bool coarse;
	int64_t next = timers_next(&worker->timers, clock_now());
	struct timespec timeout = {next / (int64_t)NS_PER_S, next % (int64_t)NS_PER_S};

	if (!atomic_load(&coarse)) {
		int n = epoll_pwait2(worker->epoll, events, most, next < 0 ? NULL : &timeout, NULL);
		if (n >= 0 || errno == EINTR)
			return n;
		atomic_store(&coarse, true);
	}
	int64_t ms = next < 0 ? -1 : (next + (int64_t)NS_PER_MS - 1) / (int64_t)NS_PER_MS;
	int n = epoll_wait(worker->epoll, events, most, ms > 60000 ? 60000 : (int)ms);
	if (n < 0 && errno != EINTR) {
		/* It would come back at once, for ever. */
		log_error("epoll_wait: %s", strerror(errno));
		log_queue_stop();
		abort();
	}
	return n;
}

/*
 * A worker that sleeps is woken by the first event, and takes the processor from
 * the very program that was about to cause the next ones: a client in its
 * handshake, the other proxy. With many new connections at once that is a switch
 * for each step of each of them. So the others go first, and their events are
 * taken together. Not with few connections, nor with old ones: where a program
 * that never sleeps shares the processor, each such turn costs a slice of its.
 */
int worker_wait(struct worker *worker, struct epoll_event *events, int most, bool busy)
{
	if (busy && has_crowd(worker)) {
		int n = epoll_wait(worker->epoll, events, most, 0);
		if (n != 0)
			return n;
		sched_yield();
	}
	return sleep_until(worker, events, most);
}
