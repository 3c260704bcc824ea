// SPDX-License-Identifier: BSD-2-Clause
/* An operator's queue: which message goes out next, and on which of its streams. */
#include "common/base/container_of.h"
#include "relay/channel/grpc/delivery_private.h"
#include "relay/channel/grpc/outbound.h"

#include <string.h>

static bool same_name(const struct table_link *link, const void *name)
{
	return strcmp(container_of(link, const struct grpc_queue, link)->name, name) == 0;
}

struct grpc_queue *grpc_queue_find(const struct grpc_delivery *delivery, const char *name)
{
	const struct table *queues = &delivery->queues;
	struct table_link *link =
		table_find(queues, table_hash_string(queues, name), same_name, name);

	return link ? container_of(link, struct grpc_queue, link) : NULL;
}

struct grpc_queue *grpc_queue_new(struct grpc_delivery *delivery, const char *name)
{
	size_t size = strlen(name) + 1;
	struct grpc_queue *queue = calloc(1, sizeof(*queue) + size);

	if (!queue)
		return NULL;
	memcpy(queue->name, name, size);
	queue->delivery = delivery;
	LIST_INIT(&queue->streams);
	TAILQ_INIT(&queue->waiting);
	table_add(&delivery->queues, &queue->link, table_hash_string(&delivery->queues, name));
	return queue;
}

void grpc_queue_hide(struct grpc_queue *queue)
{
	table_remove(&queue->delivery->queues, &queue->link);
}

void grpc_queue_wait(struct grpc_queue *queue, struct grpc_item *item)
{
	TAILQ_INSERT_TAIL(&queue->waiting, item, link);
	queue->n_waiting++;
}

void grpc_queue_unwait(struct grpc_item *item)
{
	TAILQ_REMOVE(&item->queue->waiting, item, link);
	item->queue->n_waiting--;
}

/* The least busy stream with room on which the id is free. */
static struct grpc_stream *choose(const struct grpc_queue *queue, const char *id)
{
	struct grpc_stream *stream, *best = NULL;

	LIST_FOREACH(stream, &queue->streams, link) {
		if (stream->used < stream->concurrency && (!best || stream->used < best->used) &&
		    !grpc_stream_find(stream, id))
			best = stream;
	}
	return best;
}

void grpc_queue_advance(struct grpc_queue *queue)
{
	struct grpc_item *item = TAILQ_FIRST(&queue->waiting);

	while (item) {
		struct grpc_item *next = TAILQ_NEXT(item, link);
		struct grpc_stream *stream = choose(queue, item->id);
		if (!stream) {
			item = next;
			continue;
		}
		grpc_queue_unwait(item);
		int r = grpc_call_send(stream->call, item->data, item->length);
		if (r < 0) {
			grpc_outbound_unsendable(r, item->done, item->arg);
			grpc_item_free(item);
			return; /* the list may have changed; the next event goes on */
		}
		grpc_stream_take(stream, item);
		item = next;
	}
}
