// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/worker_stop.h"

#include "common/base/clock.h"
#include "user/flow/connection.h"
#include "user/flow/dial_back.h"
#include "user/flow/listen.h"
#include "user/flow/park.h"
#include "user/flow/worker.h"

bool worker_has_connections(const struct worker *worker)
{
	for (int state = 0; state < CONNECTION_CLOSED; state++)
		if (!TAILQ_EMPTY(&worker->states[state]))
			return true;
	return false;
}

void worker_close_all(struct worker *worker)
{
	struct connection *connection;

	for (int state = 0; state < CONNECTION_CLOSED; state++)
		while ((connection = TAILQ_FIRST(&worker->states[state])))
			connection_close(connection, true, ENDING_STOPPED);
}

static void on_grace_over(struct timer *timer)
{
	worker_close_all(container_of(timer, struct worker, grace));
}

/* Each state knows which of its connections may go on. */
static void tell_all(struct worker *worker)
{
	for (int state = 0; state < CONNECTION_CLOSED; state++) {
		struct connection *connection = TAILQ_FIRST(&worker->states[state]), *next;

		for (; connection && state_table[state]->stop; connection = next) {
			next = TAILQ_NEXT(connection, in_state);
			state_table[state]->stop(connection);
		}
	}
}

static void begin(struct worker *worker, uint64_t end)
{
	worker->stopping = true;
	listen_close_all(worker);
	dial_back_close_all(worker);
	park_close_all(worker);
	tell_all(worker);
	worker->grace.fire = on_grace_over;
	timer_arm(&worker->timers, &worker->grace, end);
}

void worker_stop(struct worker *worker, const struct stop_order *order)
{
	uint64_t end = clock_now() + order->grace_ms * NS_PER_MS;

	if (!worker->stopping)
		begin(worker, end);
	else if (!worker->grace.armed || end < worker->grace.due)
		timer_arm(&worker->timers, &worker->grace, end);
	worker->dismissed |= order->dismissed;
}
