// SPDX-License-Identifier: BSD-2-Clause
/* Whether the peer is still there: a PING after a silence, and a deadline for its answer. */
#include "common/base/clock.h"
#include "common/grpc/session_private.h"

void grpc_session_arm_ping(struct grpc_session *session, unsigned ms)
{
	const struct timeval after = {ms / 1000, (suseconds_t)(ms % 1000) * 1000};

	(void)event_add(session->ping, &after);
}

static void send_ping(struct grpc_session *session, unsigned timeout_ms)
{
	if (nghttp2_submit_ping(session->http2, NGHTTP2_FLAG_NONE, NULL) != 0)
		return;
	session->ping_pending = true;
	session->ping_sent_ms = clock_now_ms();
	grpc_session_arm_ping(session, timeout_ms);
	grpc_session_schedule(session);
}

/*
 * A server asks also on a connection without calls, so that dead ones go. A
 * client does not: servers count that as abuse and close (gRPC A8).
 */
void grpc_session_ping_timer(evutil_socket_t fd, short what, void *arg)
{
	struct grpc_session *session = arg;
	uint64_t silence = clock_now_ms() - session->last_heard_ms;

	(void)fd;
	(void)what;
	if (session->dead)
		return;
	if (session->ping_pending && session->last_heard_ms < session->ping_sent_ms) {
		grpc_session_fail(session, "no answer to a PING in %u ms",
				  (unsigned)(clock_now_ms() - session->ping_sent_ms));
		return;
	}
	session->ping_pending = false;
	if (silence < session->ping_interval_ms)
		grpc_session_arm_ping(session, session->ping_interval_ms - (unsigned)silence);
	else if (session->server || session->n_calls > 0)
		send_ping(session, session->ping_timeout_ms);
	else
		grpc_session_arm_ping(session, session->ping_interval_ms);
}

void grpc_session_probe(struct grpc_session *session)
{
	unsigned timeout = session->ping_timeout_ms < STALE_TIMEOUT_MS ? session->ping_timeout_ms
								       : STALE_TIMEOUT_MS;

	if (session->ping_interval_ms > 0 && !session->ping_pending &&
	    clock_now_ms() - session->last_heard_ms > STALE_MS)
		send_ping(session, timeout);
}

bool grpc_session_wants_calm(const struct grpc_session *session)
{
	return session->wants_calm;
}
