// SPDX-License-Identifier: BSD-2-Clause
#include "relay/channel/grpc/outbound.h"

#include "common/base/cleanup.h"
#include "relay/bus/broker.h"
#include "relay/channel/grpc/result.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int grpc_outbound_encode(struct broker *broker, const struct message *message, uint8_t **ret,
			 size_t *ret_length)
{
	AUTO_FREE char *method = NULL;

	if (asprintf(&method, "%s.%s", message->recipient, message->method) < 0) {
		method = NULL;
		return -ENOMEM;
	}
	return grpc_request_encode(method, message->id, broker_name(broker), message->params, ret,
				   ret_length);
}

void grpc_outbound_fail(int r, message_done done, void *arg, const char *format, ...)
{
	char text[512];
	struct jsonrpc_error error = {.code = 1, .message = text};
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	done(r, NULL, &error, arg);
}

void grpc_outbound_unsendable(int r, message_done done, void *arg)
{
	grpc_outbound_fail(r, done, arg, "the message cannot be sent to another relay: %s",
			   r == -EMSGSIZE  ? "it is too long"
			   : r == -ENOBUFS ? "the connection takes no more data"
			   : r == -ERANGE  ? "params hold an integer beyond 2^53"
			   : r == -ELOOP   ? "params are nested too deep"
			   : r == -EINVAL  ? "params hold a NUL character"
					   : strerror(-r));
}

void grpc_outbound_answer(const struct grpc_response *response, message_done done, void *arg)
{
	AUTO_JSON json_t *result = NULL;

	if (response->has_error) {
		done(-EPROTO, NULL, &response->error, arg);
		return;
	}
	result = result_unwrap(response->result);
	if (result)
		done(0, result, NULL, arg);
	else
		grpc_outbound_fail(-ENOMEM, done, arg, "out of memory");
}
