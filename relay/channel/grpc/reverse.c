// SPDX-License-Identifier: BSD-2-Clause
/* A stream that this relay lends to a peer: the peer sends requests on it, answers go back. */
#include "common/base/cleanup.h"
#include "common/base/log.h"
#include "relay/channel/grpc/client.h"
#include "relay/channel/grpc/inbound.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* More than were offered are refused one by one. */
#define UNDER_WAY_MAX GRPC_OFFERED_CONCURRENCY

struct reverse;

struct request {
	LIST_ENTRY(request) link;
	struct reverse *reverse;
	char *id;
	struct grpc_inbound *inbound;
};

struct reverse {
	struct grpc_link *link;
	struct grpc_call *call;
	unsigned n_requests;
	LIST_HEAD(, request) requests;
};

static int send_response(struct reverse *reverse, const uint8_t *data, size_t length)
{
	const char *name = reverse->link->peer->operator;
	int r = grpc_call_send(reverse->call, data, length);

	if (r < 0)
		log_warn("an answer to operator '%s' is lost: %s", name,
			 r == -ENOBUFS    ? "it does not read what it is sent"
			 : r == -EMSGSIZE ? "it is too long"
					  : strerror(-r));
	return r;
}

/* Error -100 is what the originals answer when the handler of a stream fails. */
static void refuse(struct reverse *reverse, const char *id, const char *text)
{
	struct jsonrpc_error error = {0};
	AUTO_FREE uint8_t *data = NULL;
	size_t length;

	jsonrpc_error_set(&error, -100, NULL, "%s", text);
	if (grpc_response_encode_error(id, &error, &data, &length) == 0)
		(void)send_response(reverse, data, length);
	jsonrpc_error_clear(&error);
}

static void request_free(struct request *request)
{
	LIST_REMOVE(request, link);
	request->reverse->n_requests--;
	free(request->id);
	free(request);
}

static void on_answer(const uint8_t *data, size_t length, void *arg)
{
	struct request *request = arg;

	if (send_response(request->reverse, data, length) == -EMSGSIZE)
		refuse(request->reverse, request->id, "the answer is too long");
	request_free(request);
}

/* The peer is who was dialled; another name only if its certificate bears that, too. */
static const char *sender_of(const struct grpc_link *link, const struct grpc_request *request)
{
	const char *name = request->client_name[0]
				   ? grpc_identity_select(&link->identity, request->client_name)
				   : NULL;

	return name ? name : link->peer->operator;
}

static void on_request(struct reverse *reverse, const struct grpc_request *message)
{
	struct broker *broker = reverse->link->peer->client->channel.broker;

	if (reverse->n_requests >= UNDER_WAY_MAX) {
		refuse(reverse, message->id, "too many requests are under way on this stream");
		return;
	}
	struct request *request = calloc(1, sizeof(*request));
	char *id = strdup(message->id);
	if (!request || !id) {
		free(request);
		free(id);
		refuse(reverse, message->id, "out of memory");
		return;
	}
	request->id = id;
	request->reverse = reverse;
	LIST_INSERT_HEAD(&reverse->requests, request, link);
	reverse->n_requests++;
	/* The answer may come, and free `request`, before this returns. */
	int r = grpc_inbound_submit(broker, sender_of(reverse->link, message), message, on_answer,
				    request, &request->inbound);
	if (r < 0) {
		request_free(request);
		refuse(reverse, message->id,
		       r == -EINVAL ? "error parsing address: invalid ID format" : strerror(-r));
	}
}

static void on_accepted(struct grpc_call *call, void *arg)
{
	struct reverse *reverse = arg;
	struct grpc_peer *peer = reverse->link->peer;

	(void)call;
	grpc_peer_thrives(peer);
	log_info("operator '%s' at %s has taken a stream", peer->operator, peer->address);
}

static void on_message(struct grpc_call *call, const uint8_t *data, size_t length, void *arg)
{
	struct reverse *reverse = arg;
	struct grpc_request message;

	(void)call;
	if (grpc_request_decode(data, length, &message) < 0) {
		log_warn("operator '%s' sent a request that cannot be decoded",
			 reverse->link->peer->operator);
		refuse(reverse, "", "the request cannot be decoded");
		return;
	}
	on_request(reverse, &message);
	grpc_request_clear(&message);
}

static void on_closed(struct grpc_call *call, int status, const char *text, void *arg)
{
	struct reverse *reverse = arg;
	struct grpc_link *link = reverse->link;
	struct request *request;
	char reason[160];

	(void)call;
	while ((request = LIST_FIRST(&reverse->requests))) {
		grpc_inbound_abandon(request->inbound);
		request_free(request);
	}
	free(reverse);
	link->n_streams--;
	snprintf(reason, sizeof(reason), "%s%s%s%s", grpc_status_name(status), text[0] ? ": " : "",
		 text, status == GRPC_UNIMPLEMENTED ? " (does it speak the other dialect?)" : "");
	grpc_peer_stream_lost(link, reason);
}

static const struct grpc_call_ops call_ops = {
	.message = on_message,
	.accepted = on_accepted,
	.closed = on_closed,
};

static int announce(struct reverse *reverse)
{
	struct broker *broker = reverse->link->peer->client->channel.broker;
	AUTO_FREE uint8_t *data = NULL;
	AUTO_JSON json_t *announcement = json_pack("{s:s, s:i}", "name", broker_name(broker),
						   "concurrency", GRPC_OFFERED_CONCURRENCY);
	size_t length;

	if (!announcement)
		return -ENOMEM;
	int r = grpc_response_encode_result("", announcement, &data, &length);
	return r < 0 ? r : grpc_call_send(reverse->call, data, length);
}

int grpc_reverse_open(struct grpc_link *link)
{
	struct reverse *reverse = calloc(1, sizeof(*reverse));

	if (!reverse)
		return -ENOMEM;
	LIST_INIT(&reverse->requests);
	reverse->link = link;
	int r = grpc_call_open(link->session, link->peer->client->server_call_path, 0, &call_ops,
			       reverse, &reverse->call);
	if (r < 0) {
		free(reverse);
		return r;
	}
	r = announce(reverse);
	if (r < 0) {
		grpc_call_cancel(reverse->call);
		free(reverse);
		return r;
	}
	link->n_streams++;
	return 0;
}
