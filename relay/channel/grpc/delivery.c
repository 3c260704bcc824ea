// SPDX-License-Identifier: BSD-2-Clause
#include "relay/channel/grpc/delivery.h"

#include "common/base/log.h"
#include "relay/bus/broker.h"
#include "relay/channel/grpc/outbound.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <sys/queue.h>

/*
 * WAITING in its operator's list, SENT in its stream's, or LATE there: its
 * sender has been told that it took too long, but its id cannot be used again
 * on that stream before the answer is in.
 */
struct item {
	TAILQ_ENTRY(item) link;
	struct operator_queue *queue;
	struct grpc_stream *stream; /* NULL while waiting */
	bool late;
	char *id;
	uint8_t *data;
	size_t length;
	message_done done;
	void *arg;
	struct event *timer;
};

TAILQ_HEAD(item_list, item);

struct grpc_stream {
	LIST_ENTRY(grpc_stream) link;
	struct operator_queue *queue;
	struct grpc_call *call;
	unsigned concurrency;
	unsigned used;
	struct item_list sent;
};

LIST_HEAD(stream_list, grpc_stream);

struct operator_queue {
	LIST_ENTRY(operator_queue) link;
	struct grpc_delivery *delivery;
	char *operator;
	struct stream_list streams;
	unsigned n_streams;
	struct item_list waiting;
	unsigned n_waiting;
};

LIST_HEAD(queue_list, operator_queue);

struct grpc_delivery {
	struct broker *broker;
	struct queue_list queues;
};

static void item_free(struct item *item)
{
	if (item->timer)
		event_free(item->timer);
	free(item->id);
	free(item->data);
	free(item);
}

/* The item is in no list any more. Its sender may deliver again from inside. */
static void item_finish(struct item *item, int r, json_t *result, const struct jsonrpc_error *error)
{
	if (!item->late)
		item->done(r, result, error, item->arg);
	item_free(item);
}

static void item_fail(struct item *item, int r, const char *format, const char *operator)
{
	struct jsonrpc_error error = {0};

	jsonrpc_error_set(&error, 1, NULL, format, operator);
	item_finish(item, r, NULL, &error);
	jsonrpc_error_clear(&error);
}

static struct operator_queue *find(const struct grpc_delivery *delivery, const char *operator)
{
	struct operator_queue *queue;

	for (queue = LIST_FIRST(&delivery->queues); queue; queue = LIST_NEXT(queue, link))
		if (strcmp(queue->operator, operator) == 0)
			return queue;
	return NULL;
}

static bool under_way(const struct grpc_stream *stream, const char *id)
{
	const struct item *item;

	for (item = TAILQ_FIRST(&stream->sent); item; item = TAILQ_NEXT(item, link))
		if (strcmp(item->id, id) == 0)
			return true;
	return false;
}

/* The least busy stream with room on which the id is free. */
static struct grpc_stream *choose(const struct operator_queue *queue, const char *id)
{
	struct grpc_stream *stream, *best = NULL;

	for (stream = LIST_FIRST(&queue->streams); stream; stream = LIST_NEXT(stream, link))
		if (stream->used < stream->concurrency && (!best || stream->used < best->used) &&
		    !under_way(stream, id))
			best = stream;
	return best;
}

/* Send what can be sent; not in order where an id has to wait for its namesake. */
static void advance(struct operator_queue *queue)
{
	struct item *item = TAILQ_FIRST(&queue->waiting);

	while (item) {
		struct item *next = TAILQ_NEXT(item, link);
		struct grpc_stream *stream = choose(queue, item->id);
		if (!stream) {
			item = next;
			continue;
		}
		TAILQ_REMOVE(&queue->waiting, item, link);
		queue->n_waiting--;
		int r = grpc_call_send(stream->call, item->data, item->length);
		if (r < 0) {
			grpc_outbound_unsendable(r, item->done, item->arg);
			item_free(item);
			return; /* the list may have changed; the next event goes on */
		}
		item->stream = stream;
		stream->used++;
		TAILQ_INSERT_TAIL(&stream->sent, item, link);
		item = next;
	}
}

static void set_timer(struct item *item)
{
	unsigned ms = broker_timeout_ms(item->queue->delivery->broker);
	const struct timeval after = {ms / 1000, (suseconds_t)(ms % 1000) * 1000};

	(void)event_add(item->timer, &after);
}

/*
 * A stream that takes one request at a time stays occupied by a late one. When
 * it stays so for as long again, the peer has lost it: the stream is ended, so
 * that the peer opens a new one.
 */
static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct item *item = arg;
	struct operator_queue *queue = item->queue;
	struct grpc_stream *stream = item->stream;
	struct jsonrpc_error error = {0};

	(void)fd;
	(void)what;
	if (!stream) {
		TAILQ_REMOVE(&queue->waiting, item, link);
		queue->n_waiting--;
		item_fail(item, -ETIMEDOUT, "operator '%s' did not take the message in time",
			  queue->operator);
		return;
	}
	if (item->late && stream->concurrency == 1) {
		log_warn("ending a stream of operator '%s': it does not answer", queue->operator);
		grpc_call_abort(stream->call, GRPC_DEADLINE_EXCEEDED, "a request went unanswered");
		return; /* the stream and the item are gone */
	}
	if (item->late) {
		TAILQ_REMOVE(&stream->sent, item, link);
		item_free(item);
		advance(queue);
		return;
	}
	if (stream->concurrency > 1)
		stream->used--;
	set_timer(item);
	item->late = true;
	jsonrpc_error_set(&error, 1, NULL, "operator '%s' did not answer in time", queue->operator);
	item->done(-ETIMEDOUT, NULL, &error, item->arg);
	jsonrpc_error_clear(&error);
}

static int item_new(struct operator_queue *queue, const struct message *message, message_done done,
		    void *arg, struct item **ret)
{
	struct broker *broker = queue->delivery->broker;
	struct item *item = calloc(1, sizeof(*item));

	if (!item)
		return -ENOMEM;
	item->queue = queue;
	item->done = done;
	item->arg = arg;
	item->id = strdup(message->id);
	item->timer = evtimer_new(broker_loop(broker), on_timeout, item);
	int r = item->id && item->timer
			? grpc_outbound_encode(broker, message, &item->data, &item->length)
			: -ENOMEM;
	if (r < 0) {
		item_free(item);
		return r;
	}
	*ret = item;
	return 0;
}

int grpc_delivery_new(struct broker *broker, struct grpc_delivery **ret)
{
	struct grpc_delivery *delivery = calloc(1, sizeof(*delivery));

	if (!delivery)
		return -ENOMEM;
	delivery->broker = broker;
	LIST_INIT(&delivery->queues);
	*ret = delivery;
	return 0;
}

void grpc_delivery_free(struct grpc_delivery *delivery)
{
	free(delivery);
}

bool grpc_delivery_can(const struct grpc_delivery *delivery, const char *operator)
{
	return find(delivery, operator) != NULL;
}

void grpc_delivery_send(struct grpc_delivery *delivery, const struct message *message,
			message_done done, void *arg)
{
	struct operator_queue *queue = find(delivery, message->recipient);
	struct item *item;

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
	int r = item_new(queue, message, done, arg, &item);
	if (r < 0) {
		grpc_outbound_unsendable(r, done, arg);
		return;
	}
	TAILQ_INSERT_TAIL(&queue->waiting, item, link);
	queue->n_waiting++;
	set_timer(item);
	advance(queue);
}

static struct operator_queue *queue_new(struct grpc_delivery *delivery, const char *operator)
{
	struct operator_queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		return NULL;
	queue->operator= strdup(operator);
	if (!queue->operator) {
		free(queue);
		return NULL;
	}
	queue->delivery = delivery;
	LIST_INIT(&queue->streams);
	TAILQ_INIT(&queue->waiting);
	LIST_INSERT_HEAD(&delivery->queues, queue, link);
	return queue;
}

static void queue_free(struct operator_queue *queue)
{
	free(queue->operator);
	free(queue);
}

int grpc_delivery_add(struct grpc_delivery *delivery, const char *operator, struct grpc_call * call,
		      unsigned concurrency, struct grpc_stream **ret)
{
	struct operator_queue *queue = find(delivery, operator);

	if (queue && queue->n_streams >= GRPC_STREAMS_MAX)
		return -EBUSY;
	struct grpc_stream *stream = calloc(1, sizeof(*stream));
	if (!stream)
		return -ENOMEM;
	if (!queue)
		queue = queue_new(delivery, operator);
	if (!queue) {
		free(stream);
		return -ENOMEM;
	}
	TAILQ_INIT(&stream->sent);
	stream->queue = queue;
	stream->call = call;
	stream->concurrency =
		concurrency < GRPC_CONCURRENCY_MAX ? concurrency : GRPC_CONCURRENCY_MAX;
	LIST_INSERT_HEAD(&queue->streams, stream, link);
	queue->n_streams++;
	*ret = stream;
	advance(queue);
	return 0;
}

void grpc_delivery_answer(struct grpc_stream *stream, const struct grpc_response *response)
{
	struct operator_queue *queue = stream->queue;
	struct item *item;

	for (item = TAILQ_FIRST(&stream->sent); item; item = TAILQ_NEXT(item, link))
		if (strcmp(item->id, response->id) == 0)
			break;
	if (!item) {
		log_debug("operator '%s' answered what it was not asked", queue->operator);
		return;
	}
	TAILQ_REMOVE(&stream->sent, item, link);
	if (!item->late || stream->concurrency == 1)
		stream->used--;
	advance(queue); /* first: what follows may end the stream */
	if (!item->late)
		grpc_outbound_answer(response, item->done, item->arg);
	item_free(item);
}

void grpc_delivery_remove(struct grpc_stream *stream)
{
	struct operator_queue *queue = stream->queue;
	bool last = --queue->n_streams == 0;
	struct item *item;

	LIST_REMOVE(stream, link);
	if (last) /* before anybody is told: nobody may find the queue any more */
		LIST_REMOVE(queue, link);
	else
		advance(queue);
	while ((item = TAILQ_FIRST(&stream->sent))) {
		TAILQ_REMOVE(&stream->sent, item, link);
		item_fail(item, -ECONNRESET, "the stream of operator '%s' ended before it answered",
			  queue->operator);
	}
	free(stream);
	while (last && (item = TAILQ_FIRST(&queue->waiting))) {
		TAILQ_REMOVE(&queue->waiting, item, link);
		item_fail(item, -ECONNRESET, "operator '%s' holds no stream any more",
			  queue->operator);
	}
	if (last)
		queue_free(queue);
}
