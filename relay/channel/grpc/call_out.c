// SPDX-License-Identifier: BSD-2-Clause
/* A message to a relay that can be dialled: a unary call on the kept-open connection. */
#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "relay/channel/grpc/client.h"
#include "relay/channel/grpc/outbound.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WAITING_MAX 1024 /* messages that wait for one connection */

/* In its peer's list while there is no connection; afterwards its call has it. */
struct grpc_delivery_out {
	TAILQ_ENTRY(grpc_delivery_out) link;
	struct grpc_peer *peer;
	uint64_t deadline_ms;
	struct event *timer;
	uint8_t *data;
	size_t length;
	bool has_response;
	struct grpc_response response;
	message_done done;
	void *arg;
};

static void out_free(struct grpc_delivery_out *out)
{
	if (out->timer)
		event_free(out->timer);
	grpc_response_clear(&out->response);
	free(out->data);
	free(out);
}

__attribute__((format(printf, 3, 4))) static void out_fail(struct grpc_delivery_out *out, int r,
							   const char *format, ...)
{
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	grpc_outbound_fail(r, out->done, out->arg, "%s", text);
	out_free(out);
}

static void on_message(struct grpc_call *call, const uint8_t *data, size_t length, void *arg)
{
	struct grpc_delivery_out *out = arg;
	const char *name = out->peer->operator;

	if (out->has_response) {
		grpc_call_cancel(call);
		out_fail(out, -EBADMSG, "operator '%s' answered twice", name);
	} else if (grpc_response_decode(data, length, &out->response) < 0) {
		grpc_call_cancel(call);
		out_fail(out, -EBADMSG, "the answer of operator '%s' cannot be decoded", name);
	} else {
		out->has_response = true;
	}
}

static int error_of(int status)
{
	switch (status) {
	case GRPC_CANCELLED:
		return -ECANCELED;
	case GRPC_DEADLINE_EXCEEDED:
		return -ETIMEDOUT;
	case GRPC_UNAVAILABLE:
		return -ECONNRESET;
	case GRPC_UNIMPLEMENTED:
		return -EOPNOTSUPP;
	case GRPC_RESOURCE_EXHAUSTED:
		return -ENOBUFS;
	case GRPC_PERMISSION_DENIED:
	case GRPC_UNAUTHENTICATED:
		return -EACCES;
	default:
		return -EREMOTEIO;
	}
}

static void on_closed(struct grpc_call *call, int status, const char *text, void *arg)
{
	struct grpc_delivery_out *out = arg;
	const char *name = out->peer->operator;

	(void)call;
	if (status != GRPC_OK) {
		out_fail(out, error_of(status), "operator '%s': %s%s%s", name,
			 grpc_status_name(status), text[0] ? ": " : "", text);
		return;
	}
	grpc_peer_thrives(out->peer);
	if (!out->has_response) {
		out_fail(out, -EBADMSG, "operator '%s' gave no answer", name);
		return;
	}
	grpc_outbound_answer(&out->response, out->done, out->arg);
	out_free(out);
}

static const struct grpc_call_ops call_ops = {
	.message = on_message,
	.closed = on_closed,
};

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct grpc_delivery_out *out = arg;
	struct grpc_peer *peer = out->peer;

	(void)fd;
	(void)what;
	TAILQ_REMOVE(&peer->waiting, out, link);
	peer->n_waiting--;
	out_fail(out, -ETIMEDOUT, "operator '%s' could not be reached in time", peer->operator);
}

static void call(struct grpc_delivery_out *out)
{
	struct grpc_peer *peer = out->peer;
	uint64_t now = clock_now_ms();
	unsigned left = out->deadline_ms > now ? (unsigned)(out->deadline_ms - now) : 1;
	struct grpc_call *opened;

	int r = grpc_call_open(peer->current->session, peer->client->call_path, left, &call_ops,
			       out, &opened);
	if (r < 0) {
		out_fail(out, r, "operator '%s': %s", peer->operator, strerror(-r));
		return;
	}
	r = grpc_call_send(opened, out->data, out->length);
	if (r < 0) {
		grpc_call_cancel(opened);
		grpc_outbound_unsendable(r, out->done, out->arg);
		out_free(out);
		return;
	}
	grpc_call_finish(opened);
	free(TAKE_PTR(out->data));
}

static int wait_for_connection(struct grpc_delivery_out *out, unsigned timeout_ms)
{
	struct grpc_peer *peer = out->peer;
	const struct timeval after = {timeout_ms / 1000, (suseconds_t)(timeout_ms % 1000) * 1000};

	if (peer->n_waiting >= WAITING_MAX)
		return -EBUSY;
	out->timer = evtimer_new(broker_loop(peer->client->channel.broker), on_timeout, out);
	if (!out->timer || event_add(out->timer, &after) < 0)
		return -ENOMEM;
	TAILQ_INSERT_TAIL(&peer->waiting, out, link);
	peer->n_waiting++;
	return 0;
}

void grpc_call_out(struct grpc_peer *peer, const struct message *message, message_done done,
		   void *arg)
{
	struct broker *broker = peer->client->channel.broker;
	unsigned timeout_ms = broker_timeout_ms(broker);
	struct grpc_delivery_out *out = calloc(1, sizeof(*out));

	int r = out ? grpc_outbound_encode(broker, message, &out->data, &out->length) : -ENOMEM;
	if (r < 0) {
		free(out);
		grpc_outbound_unsendable(r, done, arg);
		return;
	}
	out->peer = peer;
	out->done = done;
	out->arg = arg;
	out->deadline_ms = clock_now_ms() + timeout_ms;
	if (peer->current && grpc_session_is_usable(peer->current->session)) {
		call(out);
		return;
	}
	r = wait_for_connection(out, timeout_ms);
	if (r < 0)
		out_fail(out, r, "too many messages wait for operator '%s'", peer->operator);
	else
		grpc_peer_ensure(peer);
}

void grpc_call_out_waiting(struct grpc_peer *peer)
{
	struct grpc_delivery_out *out;

	while (peer->current && (out = TAILQ_FIRST(&peer->waiting))) {
		TAILQ_REMOVE(&peer->waiting, out, link);
		peer->n_waiting--;
		event_del(out->timer);
		call(out);
	}
}

/* Only those that wait now: one that is told may come back at once. */
void grpc_call_out_fail(struct grpc_peer *peer, const char *reason)
{
	for (unsigned n = peer->n_waiting; n > 0; n--) {
		struct grpc_delivery_out *out = TAILQ_FIRST(&peer->waiting);
		if (!out)
			return;
		TAILQ_REMOVE(&peer->waiting, out, link);
		peer->n_waiting--;
		out_fail(out, -EHOSTUNREACH, "operator '%s' cannot be reached at %s: %s",
			 peer->operator, peer->address, reason);
	}
}
