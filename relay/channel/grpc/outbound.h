/* SPDX-License-Identifier: BSD-2-Clause */
/* What both ways of sending a message to another relay share: its encoding, its end. */
#pragma once

#include "relay/bus/channel.h"
#include "relay/channel/grpc/message.h"

/* *ret is allocated. Failures as grpc_request_encode(). */
int grpc_outbound_encode(struct broker *broker, const struct message *message, uint8_t **ret,
			 size_t *ret_length);

/* End a message that did not arrive, error code 1. */
void grpc_outbound_fail(int r, message_done done, void *arg, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* End a message that grpc_outbound_encode() or grpc_call_send() refused. */
void grpc_outbound_unsendable(int r, message_done done, void *arg);
/* End a message with what the recipient said. */
void grpc_outbound_answer(const struct grpc_response *response, message_done done, void *arg);
