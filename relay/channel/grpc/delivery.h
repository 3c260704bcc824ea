/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages to operators that hold reverse streams to this relay: each waits
 * for a stream with room, goes out on it, and is found again by its id when
 * the answer comes. A peer that announces no `concurrency`, as the originals
 * do not, gets one request at a time on each of its streams.
 */
#pragma once

#include "common/grpc/session.h"
#include "relay/bus/channel.h"
#include "relay/channel/grpc/message.h"

#define GRPC_WAITING_MAX     1024 /* messages that wait for one operator */
#define GRPC_CONCURRENCY_MAX 256  /* on one stream, whatever the peer says */
#define GRPC_STREAMS_MAX     256  /* of one operator */

struct grpc_delivery;
struct grpc_stream;

int grpc_delivery_new(struct broker *broker, struct grpc_delivery **ret);
/* All streams must have been removed. NULL is fine. */
void grpc_delivery_free(struct grpc_delivery *delivery);

bool grpc_delivery_can(const struct grpc_delivery *delivery, const char *recipient);
void grpc_delivery_send(struct grpc_delivery *delivery, const struct message *message,
			message_done done, void *arg);

/* A stream of the operator `owner` over `call` is ready for requests. -EBUSY: it has too many;
 * -ENOMEM. */
int grpc_delivery_add(struct grpc_delivery *delivery, const char *owner, struct grpc_call *call,
		      unsigned concurrency, struct grpc_stream **ret);
/* An answer; one to nothing that is under way is ignored. */
void grpc_delivery_answer(struct grpc_stream *stream, const struct grpc_response *response);
/* The stream is gone: what was under way on it is answered with an error. */
void grpc_delivery_remove(struct grpc_stream *stream);
