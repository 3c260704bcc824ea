// SPDX-License-Identifier: BSD-2-Clause
/* One message on its way over a stream: its deadline, its end. */
#include "common/base/log.h"
#include "relay/bus/broker.h"
#include "relay/channel/grpc/delivery_private.h"
#include "relay/channel/grpc/outbound.h"

#include <errno.h>
#include <string.h>

void grpc_item_free(struct grpc_item *item)
{
	if (item->timer)
		event_free(item->timer);
	free(item->id);
	free(item->data);
	free(item);
}

static void finish(struct grpc_item *item, int r, json_t *result, const struct jsonrpc_error *error)
{
	if (!item->late)
		item->done(r, result, error, item->arg);
	grpc_item_free(item);
}

void grpc_item_fail(struct grpc_item *item, int r, const char *format, const char *name)
{
	struct jsonrpc_error error = {0};

	jsonrpc_error_set(&error, 1, NULL, format, name);
	finish(item, r, NULL, &error);
	jsonrpc_error_clear(&error);
}

void grpc_item_start_timer(struct grpc_item *item)
{
	unsigned ms = broker_timeout_ms(item->queue->delivery->broker);
	const struct timeval after = {ms / 1000, (suseconds_t)(ms % 1000) * 1000};

	(void)event_add(item->timer, &after);
}

static void become_late(struct grpc_item *item)
{
	struct grpc_queue *queue = item->queue;
	struct jsonrpc_error error = {0};

	if (item->stream->concurrency > 1)
		item->stream->used--;
	grpc_item_start_timer(item);
	item->late = true;
	jsonrpc_error_set(&error, 1, NULL, "operator '%s' did not answer in time", queue->name);
	item->done(-ETIMEDOUT, NULL, &error, item->arg);
	jsonrpc_error_clear(&error);
}

/*
 * A stream that takes one request at a time stays occupied by a late one. When
 * it stays so for as long again, the peer has lost it: the stream is ended, so
 * that the peer opens a new one.
 */
static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct grpc_item *item = arg;
	struct grpc_queue *queue = item->queue;
	struct grpc_stream *stream = item->stream;

	(void)fd;
	(void)what;
	if (!stream) {
		grpc_queue_unwait(item);
		grpc_item_fail(item, -ETIMEDOUT, "operator '%s' did not take the message in time",
			       queue->name);
	} else if (!item->late) {
		become_late(item);
	} else if (stream->concurrency == 1) {
		log_warn("ending a stream of operator '%s': it does not answer", queue->name);
		grpc_call_abort(stream->call, GRPC_DEADLINE_EXCEEDED, "a request went unanswered");
		/* the stream and the item are gone */
	} else {
		grpc_stream_forget(item);
		grpc_item_free(item);
		grpc_queue_advance(queue);
	}
}

int grpc_item_new(struct grpc_queue *queue, const struct message *message, message_done done,
		  void *arg, struct grpc_item **ret)
{
	struct broker *broker = queue->delivery->broker;
	struct grpc_item *item = calloc(1, sizeof(*item));

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
		grpc_item_free(item);
		return r;
	}
	*ret = item;
	return 0;
}
