// SPDX-License-Identifier: BSD-2-Clause
#include "relay/channel/grpc/delivery.h"

#include "common/base/log.h"
#include "relay/channel/grpc/delivery_private.h"
#include "relay/channel/grpc/outbound.h"

#include <errno.h>

int grpc_delivery_new(struct broker *broker, struct grpc_delivery **ret)
{
	struct grpc_delivery *delivery = calloc(1, sizeof(*delivery));

	if (!delivery)
		return -ENOMEM;
	delivery->broker = broker;
	table_init(&delivery->queues);
	*ret = delivery;
	return 0;
}

void grpc_delivery_free(struct grpc_delivery *delivery)
{
	if (!delivery)
		return;
	table_clear(&delivery->queues);
	free(delivery);
}

bool grpc_delivery_can(const struct grpc_delivery *delivery, const char *recipient)
{
	return grpc_queue_find(delivery, recipient) != NULL;
}

void grpc_delivery_send(struct grpc_delivery *delivery, const struct message *message,
			message_done done, void *arg)
{
	struct grpc_queue *queue = grpc_queue_find(delivery, message->recipient);
	struct grpc_item *item;

	if (!queue) {
		grpc_outbound_fail(-ENOTCONN, done, arg, "operator '%s' holds no stream",
				   message->recipient);
		return;
	}
	if (queue->n_waiting >= GRPC_WAITING_MAX) {
		grpc_outbound_fail(-EBUSY, done, arg, "too many messages wait for operator '%s'",
				   message->recipient);
		return;
	}
	int r = grpc_item_new(queue, message, done, arg, &item);
	if (r < 0) {
		grpc_outbound_unsendable(r, done, arg);
		return;
	}
	grpc_queue_wait(queue, item);
	grpc_item_start_timer(item);
	grpc_queue_advance(queue);
}

int grpc_delivery_add(struct grpc_delivery *delivery, const char *owner, struct grpc_call *call,
		      unsigned concurrency, struct grpc_stream **ret)
{
	struct grpc_queue *queue = grpc_queue_find(delivery, owner);

	if (queue && queue->n_streams >= GRPC_STREAMS_MAX)
		return -EBUSY;
	struct grpc_stream *stream = calloc(1, sizeof(*stream));
	if (!stream)
		return -ENOMEM;
	if (!queue)
		queue = grpc_queue_new(delivery, owner);
	if (!queue) {
		free(stream);
		return -ENOMEM;
	}
	TAILQ_INIT(&stream->sent);
	table_init(&stream->by_id);
	stream->queue = queue;
	stream->call = call;
	stream->concurrency =
		concurrency < GRPC_CONCURRENCY_MAX ? concurrency : GRPC_CONCURRENCY_MAX;
	LIST_INSERT_HEAD(&queue->streams, stream, link);
	queue->n_streams++;
	*ret = stream;
	grpc_queue_advance(queue);
	return 0;
}

void grpc_delivery_answer(struct grpc_stream *stream, const struct grpc_response *response)
{
	struct grpc_queue *queue = stream->queue;
	struct grpc_item *item = grpc_stream_find(stream, response->id);

	if (!item) {
		log_debug("operator '%s' answered what it was not asked", queue->name);
		return;
	}
	grpc_stream_forget(item);
	if (!item->late || stream->concurrency == 1)
		stream->used--;
	grpc_queue_advance(queue); /* first: what follows may end the stream */
	if (!item->late)
		grpc_outbound_answer(response, item->done, item->arg);
	grpc_item_free(item);
}

void grpc_delivery_remove(struct grpc_stream *stream)
{
	struct grpc_queue *queue = stream->queue;
	bool last = --queue->n_streams == 0;
	struct grpc_item *item;

	LIST_REMOVE(stream, link);
	if (last) /* before anybody is told: nobody may find the queue any more */
		grpc_queue_hide(queue);
	else
		grpc_queue_advance(queue);
	while ((item = TAILQ_FIRST(&stream->sent))) {
		grpc_stream_forget(item);
		grpc_item_fail(item, -ECONNRESET,
			       "the stream of operator '%s' ended before it answered", queue->name);
	}
	table_clear(&stream->by_id);
	free(stream);
	while (last && (item = TAILQ_FIRST(&queue->waiting))) {
		grpc_queue_unwait(item);
		grpc_item_fail(item, -ECONNRESET, "operator '%s' holds no stream any more",
			       queue->name);
	}
	if (last)
		free(queue);
}
