// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/ids.h"

#include "user/flow/connection.h"
#include "user/flow/worker.h"

#include <stdlib.h>

#define BUCKETS 4096

LIST_HEAD(id_bucket, connection);

struct id_table {
	struct id_bucket buckets[BUCKETS];
};

struct id_table *id_table_new(void)
{
	return calloc(1, sizeof(struct id_table));
}

void id_table_free(struct id_table *table)
{
	free(table);
}

/* Ids of a worker are `workers` apart. */
static struct id_bucket *bucket_of(struct worker *worker, uint64_t id)
{
	return &worker->ids->buckets[id / worker->shop->config->workers % BUCKETS];
}

void ids_add(struct connection *connection)
{
	LIST_INSERT_HEAD(bucket_of(connection->worker, connection->id), connection, in_ids);
	connection->has_id = true;
}

void ids_remove(struct connection *connection)
{
	if (connection->has_id)
		LIST_REMOVE(connection, in_ids);
	connection->has_id = false;
}

struct connection *ids_find(struct worker *worker, uint64_t id)
{
	struct connection *connection;

	LIST_FOREACH(connection, bucket_of(worker, id), in_ids)
		if (connection->id == id)
			return connection;
	return NULL;
}
