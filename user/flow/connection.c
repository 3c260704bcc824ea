// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/connection.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/log_queue.h"
#include "user/flow/sources.h"
#include "user/flow/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static void on_deadline(struct timer *timer)
{
	struct connection *connection = container_of(timer, struct connection, deadline);

	state_table[connection->state]->deadline(connection);
}

static void on_ready(struct watch *watch, uint32_t events)
{
	struct stream_end *end = container_of(watch, struct stream_end, watch);
	struct connection *connection = container_of(end->stream, struct connection, stream);

	state_table[connection->state]->ready(connection, (int)(end - end->stream->ends), events);
}

struct connection *connection_new(struct worker *worker)
{
	struct workers *all = worker->all;

	if (atomic_fetch_add(&all->connections, 1) >= worker->config->connections) {
		atomic_fetch_sub(&all->connections, 1);
		return NULL;
	}
	struct connection *connection = calloc(1, sizeof(*connection));
	if (!connection) {
		atomic_fetch_sub(&all->connections, 1);
		return NULL;
	}
	connection->worker = worker;
	/* Unique in the process, and telling the worker. */
	connection->id = worker->next_id++ * all->n + worker->index;
	connection->began = clock_now();
	connection->deadline.fire = on_deadline;
	stream_init(&connection->stream, &worker->plane, NULL);
	TAILQ_INSERT_TAIL(&worker->states[CONNECTION_NEW], connection, in_state);
	counters_add(&worker->counters, COUNTER_OPEN, 1);
	return connection;
}

static void check_move(const struct connection *connection, enum connection_state state)
{
	const struct state_ops *from = state_table[connection->state];

	if (connection->state != CONNECTION_CLOSED &&
	    ((from->next | TO(CONNECTION_CLOSED)) & TO(state)))
		return;
	log_error("connection %" PRIu64 ": no way from %s to %s", connection->id, from->name,
		  state_table[state]->name);
	log_queue_stop();
	abort();
}

void connection_move(struct connection *connection, enum connection_state state)
{
	struct worker *worker = connection->worker;
	const struct state_ops *from = state_table[connection->state], *to = state_table[state];

	check_move(connection, state);
	timer_disarm(&worker->timers, &connection->deadline);
	if (from->leave)
		from->leave(connection);
	TAILQ_REMOVE(&worker->states[connection->state], connection, in_state);
	connection->state = state;
	TAILQ_INSERT_TAIL(&worker->states[state], connection, in_state);
	if (to->enter)
		to->enter(connection);
}

void connection_close(struct connection *connection, bool reset, enum ending ending)
{
	if (connection->state == CONNECTION_CLOSED)
		return;
	connection->reset = reset;
	connection->ending = ending;
	connection_move(connection, CONNECTION_CLOSED);
}

void connection_refuse(struct connection *connection, uint8_t alert, enum ending ending)
{
	connection->alert = alert;
	connection->ending = ending;
	connection_move(connection, CONNECTION_REFUSE);
}

int connection_watch(struct connection *connection, int side, uint32_t events)
{
	struct watch *watch = &connection->stream.ends[side].watch;

	watch->ready = on_ready;
	return watch_set(connection->worker->epoll, watch, events);
}

void connection_arm(struct connection *connection, uint64_t due)
{
	timer_arm(&connection->worker->timers, &connection->deadline, due);
}

void connection_not_half_open(struct connection *connection)
{
	if (connection->counts_half_open)
		sources_leave(connection->worker->all->sources, connection->source);
	connection->counts_half_open = false;
}

void connection_set_client(struct connection *connection, const struct addr *client)
{
	if (connection->worker->config->anonymize_clients)
		addr_format_anonymous(client, connection->client);
	else
		addr_format(client, connection->client);
}

int connection_set_origin(struct connection *connection, const struct addr *source,
			  const struct addr *destination)
{
	connection->origin = malloc(sizeof(*connection->origin));
	if (!connection->origin)
		return -ENOMEM;
	connection->origin->source = *source;
	connection->origin->destination = *destination;
	connection_set_client(connection, source);
	return 0;
}

int connection_set_name(struct connection *connection, const char *name, const char *proxy)
{
	connection->name = strdup(name);
	if (proxy)
		connection->proxy = strdup(proxy);
	return connection->name && (!proxy || connection->proxy) ? 0 : -ENOMEM;
}

void connection_bury(struct worker *worker)
{
	struct connection_list *closed = &worker->states[CONNECTION_CLOSED];
	struct connection *connection;

	while ((connection = TAILQ_FIRST(closed))) {
		TAILQ_REMOVE(closed, connection, in_state);
		mail_free(connection->news);
		free(connection->origin);
		free(connection->name);
		free(connection->proxy);
		free(connection->peer_id);
		free(connection);
		counters_sub(&worker->counters, COUNTER_OPEN, 1);
		atomic_fetch_sub(&worker->all->connections, 1);
	}
}
