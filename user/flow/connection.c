// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/connection.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/log_queue.h"
#include "user/flow/dial.h"
#include "user/flow/ids.h"
#include "user/flow/rendezvous.h"
#include "user/flow/sources.h"
#include "user/flow/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define TO(state) (1u << (state))

static const unsigned legal_moves[CONNECTION_STATES] = {
	[CONNECTION_PEEK] = TO(CONNECTION_RENDEZVOUS) | TO(CONNECTION_PAIR) |
			    TO(CONNECTION_REFUSE) | TO(CONNECTION_CLOSED),
	[CONNECTION_RENDEZVOUS] =
		TO(CONNECTION_PAIR) | TO(CONNECTION_REFUSE) | TO(CONNECTION_CLOSED),
	[CONNECTION_DIAL] = TO(CONNECTION_PAIR) | TO(CONNECTION_AHEAD) | TO(CONNECTION_CLOSED),
	[CONNECTION_AHEAD] = TO(CONNECTION_DIAL) | TO(CONNECTION_CLOSED),
	[CONNECTION_PAIR] = TO(CONNECTION_CLOSED),
	[CONNECTION_REFUSE] = TO(CONNECTION_CLOSED),
};

struct connection *connection_new(struct worker *worker, enum connection_state state)
{
	struct workshop *shop = worker->shop;

	if (atomic_fetch_add(&shop->connections, 1) >= shop->config->connections) {
		atomic_fetch_sub(&shop->connections, 1);
		return NULL;
	}
	struct connection *connection = calloc(1, sizeof(*connection));
	if (!connection) {
		atomic_fetch_sub(&shop->connections, 1);
		return NULL;
	}
	connection->worker = worker;
	connection->state = state;
	/* Unique in the process, and telling the worker. */
	connection->id = worker->next_id++ * shop->config->workers + worker->index;
	connection->began = clock_now();
	stream_init(&connection->stream, &worker->plane, NULL);
	TAILQ_INSERT_TAIL(&worker->states[state], connection, in_state);
	return connection;
}

void connection_not_half_open(struct connection *connection)
{
	if (connection->counts_half_open)
		sources_leave(connection->worker->shop->sources, connection->source);
	connection->counts_half_open = false;
}

void connection_move(struct connection *connection, enum connection_state state)
{
	struct worker *worker = connection->worker;

	if (!(legal_moves[connection->state] & TO(state))) {
		log_error("connection %" PRIu64 ": no way from state %d to %d", connection->id,
			  connection->state, state);
		log_queue_stop();
		abort();
	}
	timer_disarm(&worker->timers, &connection->deadline);
	if (connection->state == CONNECTION_RENDEZVOUS)
		rendezvous_forget(connection);
	if (state == CONNECTION_CLOSED)
		connection_not_half_open(connection);
	if (state == CONNECTION_PAIR || state == CONNECTION_CLOSED)
		ids_remove(connection);
	TAILQ_REMOVE(&worker->states[connection->state], connection, in_state);
	connection->state = state;
	TAILQ_INSERT_TAIL(&worker->states[state], connection, in_state);
}

void connection_set_client(struct connection *connection, const struct addr *client)
{
	if (connection->worker->shop->config->anonymize_clients)
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

int connection_set_name(struct connection *connection, const char *name, const char *operator)
{
	connection->name = strdup(name);
	if (operator)
		connection->operator= strdup(operator);
	return connection->name && (!operator|| connection->operator) ? 0 : -ENOMEM;
}

struct connection *connection_of_watch(struct watch *watch)
{
	struct stream_end *end = container_of(watch, struct stream_end, watch);

	return container_of(end->stream, struct connection, stream);
}

void connection_bury(struct worker *worker)
{
	struct connection_list *closed = &worker->states[CONNECTION_CLOSED];
	struct connection *connection;

	while ((connection = TAILQ_FIRST(closed))) {
		TAILQ_REMOVE(closed, connection, in_state);
		dial_free(connection->dial);
		free(connection->proxy_reader);
		free(connection->origin);
		free(connection->name);
		free(connection->operator);
		free(connection->peer_id);
		free(connection);
		atomic_fetch_sub(&worker->shop->connections, 1);
	}
}
