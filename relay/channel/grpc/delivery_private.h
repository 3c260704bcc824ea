/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the delivery share: an item is a message and waits in its
 * operator's queue, until a stream of that operator takes it.
 */
#pragma once

#include "common/base/table.h"
#include "relay/channel/grpc/delivery.h"

#include <event2/event.h>
#include <sys/queue.h>

struct grpc_queue;

/*
 * WAITING in its operator's list, SENT in its stream's, or LATE there: its
 * sender has been told that it took too long, but its id cannot be used again
 * on that stream before the answer is in.
 */
struct grpc_item {
	TAILQ_ENTRY(grpc_item) link;
	struct table_link by_id; /* in its stream */
	struct grpc_queue *queue;
	struct grpc_stream *stream; /* NULL while waiting */
	bool late;
	char *id;
	uint8_t *data;
	size_t length;
	message_done done;
	void *arg;
	struct event *timer;
};

TAILQ_HEAD(grpc_item_list, grpc_item);

struct grpc_stream {
	LIST_ENTRY(grpc_stream) link;
	struct grpc_queue *queue;
	struct grpc_call *call;
	unsigned concurrency;
	unsigned used;
	struct grpc_item_list sent; /* in the order in which they went out */
	struct table by_id;         /* the same */
};

LIST_HEAD(grpc_stream_list, grpc_stream);

/* There is one for each operator that holds a stream, and only for those. */
struct grpc_queue {
	struct table_link link;
	struct grpc_delivery *delivery;
	struct grpc_stream_list streams;
	unsigned n_streams;
	struct grpc_item_list waiting;
	unsigned n_waiting;
	char name[]; /* of the operator */
};

struct grpc_delivery {
	struct broker *broker;
	struct table queues; /* by the operator's name */
};

/* item.c: encoded, in no list; its timer does not run. Failures as grpc_request_encode().
 */
int grpc_item_new(struct grpc_queue *queue, const struct message *message, message_done done,
		  void *arg, struct grpc_item **ret);
void grpc_item_start_timer(struct grpc_item *item);
/* These end an item that is in no list any more. Its sender may deliver again from inside. */
void grpc_item_free(struct grpc_item *item);
void grpc_item_fail(struct grpc_item *item, int r, const char *format, const char *name);

/* queue.c */
struct grpc_queue *grpc_queue_find(const struct grpc_delivery *delivery, const char *name);
struct grpc_queue *grpc_queue_new(struct grpc_delivery *delivery, const char *name);
/* Nobody finds it any more; items that wait are still its own. */
void grpc_queue_hide(struct grpc_queue *queue);
void grpc_queue_wait(struct grpc_queue *queue, struct grpc_item *item);
void grpc_queue_unwait(struct grpc_item *item);
/* Send what can be sent; not in order where an id has to wait for its namesake. */
void grpc_queue_advance(struct grpc_queue *queue);

/* stream.c: NULL if no such id is under way. */
struct grpc_item *grpc_stream_find(const struct grpc_stream *stream, const char *id);
/* The item, which is in no list, has gone out on this stream, or is done with there. */
void grpc_stream_take(struct grpc_stream *stream, struct grpc_item *item);
void grpc_stream_forget(struct grpc_item *item);
