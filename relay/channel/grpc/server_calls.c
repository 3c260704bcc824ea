// SPDX-License-Identifier: BSD-2-Clause
/* The two methods of the service: Call, and ServerCall by which a peer lends us a stream. */
#include "common/base/cleanup.h"
#include "common/base/log.h"
#include "relay/channel/grpc/inbound.h"
#include "relay/channel/grpc/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct unary {
	struct grpc_connection *connection;
	struct grpc_call *call;
	struct grpc_inbound *inbound;
	bool has_request;
	struct grpc_request request;
};

/* A stream that a peer lends us. */
struct borrowed {
	struct grpc_connection *connection;
	struct grpc_stream *stream; /* NULL until the peer has said who it is */
};

static void unary_free(struct unary *unary)
{
	grpc_inbound_abandon(unary->inbound);
	grpc_request_clear(&unary->request);
	free(unary);
}

static void unary_end(struct unary *unary, int status, const char *text)
{
	grpc_call_end(unary->call, status, text);
	unary_free(unary);
}

static void unary_message(struct grpc_call *call, const uint8_t *data, size_t length, void *arg)
{
	struct unary *unary = arg;

	(void)call;
	if (unary->has_request) {
		unary_end(unary, GRPC_INTERNAL, "more than one request in one call");
		return;
	}
	if (grpc_request_decode(data, length, &unary->request) < 0) {
		unary_end(unary, GRPC_INTERNAL, "the request cannot be decoded");
		return;
	}
	unary->has_request = true;
}

static void unary_answer(const uint8_t *data, size_t length, void *arg)
{
	struct unary *unary = arg;

	unary->inbound = NULL;
	int r = grpc_call_send(unary->call, data, length);
	if (r < 0)
		unary_end(unary, GRPC_RESOURCE_EXHAUSTED,
			  r == -EMSGSIZE ? "the answer is too long"
					 : "too much is waiting to be read");
	else
		unary_end(unary, GRPC_OK, NULL);
}

static void unary_half_closed(struct grpc_call *call, void *arg)
{
	struct unary *unary = arg;
	const struct grpc_identity *identity = &unary->connection->identity;
	struct broker *broker = unary->connection->server->channel.broker;

	(void)call;
	if (!unary->has_request) {
		unary_end(unary, GRPC_INTERNAL, "no request in the call");
		return;
	}
	/* The answer may come, and free `unary`, while the broker still reads the request. */
	CLEANUP(grpc_request_clear) struct grpc_request request = unary->request;
	unary->request = (struct grpc_request){0};
	const char *sender = grpc_identity_select(identity, request.client_name);
	if (!sender) {
		unary_end(unary, GRPC_UNKNOWN, "no matching client");
		return;
	}
	int r = grpc_inbound_submit(broker, sender, &request, unary_answer, unary, &unary->inbound);
	if (r == -EINVAL)
		unary_end(unary, GRPC_UNKNOWN,
			  "error handling gRPC request: error parsing address: invalid ID format");
	else if (r < 0)
		unary_end(unary, GRPC_RESOURCE_EXHAUSTED, "out of memory");
}

static void unary_closed(struct grpc_call *call, int status, const char *text, void *arg)
{
	(void)call;
	(void)status;
	(void)text;
	unary_free(arg);
}

static const struct grpc_call_ops unary_ops = {
	.message = unary_message,
	.half_closed = unary_half_closed,
	.closed = unary_closed,
};

static void borrowed_free(struct borrowed *borrowed)
{
	if (borrowed->stream)
		grpc_delivery_remove(borrowed->stream);
	free(borrowed);
}

/*
 * The first message says whose stream this is, {"name": operator}. Ours add
 * how many requests they take at once; to the originals, who do not, one.
 */
static void borrowed_announced(struct borrowed *borrowed, struct grpc_call *call,
			       const struct grpc_response *response)
{
	const char *name = json_string_value(json_object_get(response->result, "name"));
	json_int_t concurrency =
		json_integer_value(json_object_get(response->result, "concurrency"));
	struct grpc_connection *connection = borrowed->connection;
	const char *owner = name ? grpc_identity_select(&connection->identity, name) : NULL;

	if (!owner) {
		grpc_call_end(call, GRPC_UNKNOWN, "no matching client");
		borrowed_free(borrowed);
		return;
	}
	if (concurrency < 1)
		concurrency = 1;
	if (concurrency > GRPC_CONCURRENCY_MAX)
		concurrency = GRPC_CONCURRENCY_MAX;
	int r = grpc_delivery_add(connection->server->delivery, owner, call, (unsigned)concurrency,
				  &borrowed->stream);
	if (r == 0)
		r = grpc_call_send_headers(call); /* tells the peer that it is taken */
	if (r < 0) {
		grpc_call_end(call, GRPC_RESOURCE_EXHAUSTED, "too many streams of this operator");
		borrowed_free(borrowed);
		return;
	}
	log_info("operator '%s' (%s) opened a stream for up to %d requests at once", owner,
		 connection->peer, (int)concurrency);
}

static void borrowed_message(struct grpc_call *call, const uint8_t *data, size_t length, void *arg)
{
	struct borrowed *borrowed = arg;
	struct grpc_response response;

	if (grpc_response_decode(data, length, &response) < 0) {
		grpc_call_end(call, GRPC_INTERNAL, "the response cannot be decoded");
		borrowed_free(borrowed);
		return;
	}
	if (borrowed->stream)
		grpc_delivery_answer(borrowed->stream, &response);
	else
		borrowed_announced(borrowed, call, &response);
	grpc_response_clear(&response);
}

static void borrowed_half_closed(struct grpc_call *call, void *arg)
{
	grpc_call_end(call, GRPC_OK, NULL);
	borrowed_free(arg);
}

static void borrowed_closed(struct grpc_call *call, int status, const char *text, void *arg)
{
	struct borrowed *borrowed = arg;

	(void)call;
	(void)status;
	if (borrowed->stream)
		log_info("a stream of operator '%s' ended: %s",
			 grpc_identity_select(&borrowed->connection->identity, ""), text);
	borrowed_free(borrowed);
}

static const struct grpc_call_ops borrowed_ops = {
	.message = borrowed_message,
	.half_closed = borrowed_half_closed,
	.closed = borrowed_closed,
};

void grpc_server_call_opened(struct grpc_session *session, struct grpc_call *call, const char *path,
			     void *arg)
{
	struct grpc_connection *connection = arg;

	(void)session;
	if (strcmp(path, GRPC_HYPER_CALL) == 0 || strcmp(path, GRPC_EPS_CALL) == 0) {
		struct unary *unary = calloc(1, sizeof(*unary));
		if (!unary)
			return;
		unary->connection = connection;
		unary->call = call;
		grpc_call_accept(call, &unary_ops, unary);
	} else if (strcmp(path, GRPC_HYPER_SERVER_CALL) == 0 ||
		   strcmp(path, GRPC_EPS_SERVER_CALL) == 0) {
		struct borrowed *borrowed = calloc(1, sizeof(*borrowed));
		if (!borrowed)
			return;
		borrowed->connection = connection;
		grpc_call_accept(call, &borrowed_ops, borrowed);
	}
}
