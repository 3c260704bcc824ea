// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/ids.h"

#include "user/flow/connection.h"
#include "user/flow/worker.h"

static bool has_id(const struct table_link *link, const void *id)
{
	return container_of(link, const struct connection, by_id)->id == *(const uint64_t *)id;
}

void ids_add(struct connection *connection)
{
	struct table *ids = &connection->worker->ids;

	table_add(ids, &connection->by_id,
		  table_hash(ids, &connection->id, sizeof(connection->id)));
	connection->has_id = true;
}

void ids_remove(struct connection *connection)
{
	if (connection->has_id)
		table_remove(&connection->worker->ids, &connection->by_id);
	connection->has_id = false;
}

struct connection *ids_find(struct worker *worker, uint64_t id)
{
	struct table_link *link =
		table_find(&worker->ids, table_hash(&worker->ids, &id, sizeof(id)), has_id, &id);

	return link ? container_of(link, struct connection, by_id) : NULL;
}
