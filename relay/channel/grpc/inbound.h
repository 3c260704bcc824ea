/* SPDX-License-Identifier: BSD-2-Clause */
/* A request of another relay on its way through the broker, and its answer's way back. */
#pragma once

#include "relay/bus/broker.h"
#include "relay/channel/grpc/message.h"

struct grpc_inbound;

/* The answer, an encoded Response (borrowed). Called once, unless abandoned before. */
typedef void (*grpc_inbound_answer)(const uint8_t *data, size_t length, void *arg);

/*
 * Hand `request` to the broker as sent by `sender`. The answer may come before
 * return; *ret is written before. -EINVAL: the id is no address; -ENOMEM.
 */
int grpc_inbound_submit(struct broker *broker, const char *sender,
			const struct grpc_request *request, grpc_inbound_answer answer, void *arg,
			struct grpc_inbound **ret);

/* Nobody waits for the answer any longer. */
void grpc_inbound_abandon(struct grpc_inbound *inbound);
