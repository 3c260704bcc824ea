// SPDX-License-Identifier: BSD-2-Clause
/* The connection to one other relay: made when needed, kept, made again when lost. */
#include "common/base/addr.h"
#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/grpc/dial.h"
#include "common/settings/settings.h"
#include "relay/channel/grpc/client.h"

#include <errno.h>
#include <event2/bufferevent_ssl.h>
#include <stdio.h>
#include <string.h>

#define DIAL_TIMEOUT_MS      10000
#define PING_INTERVAL_MS     30000
#define PING_INTERVAL_MAX_MS 600000
#define PING_TIMEOUT_MS      20000
#define OLD_LINKS_MAX        4
/* A peer that was there a minute ago is being restarted: ask often. */
#define RECENT_MS       60000
#define RECENT_PAUSE_MS 1000
/* A connection or stream that lasted so long was a good one. */
#define GOOD_MS 2000

static void dial(struct grpc_peer *peer);

/* It need not be there yet: then it is asked for more and more rarely from the start. */
static void init_remote(struct grpc_peer *peer)
{
	const struct remote_pace pace = {
		.min = peer->client->reconnect_min_ms,
		.max = peer->client->reconnect_max_ms,
		.early = RECENT_MS,
		.early_max = RECENT_PAUSE_MS,
	};

	remote_init(&peer->remote, &pace, false);
}

static void retry_in(struct grpc_peer *peer, int64_t ms)
{
	const struct timeval after = {ms / 1000, (suseconds_t)(ms % 1000) * 1000};

	(void)event_add(peer->retry, &after);
}

static bool is_needed(const struct grpc_peer *peer)
{
	return peer->lends || peer->n_waiting > 0;
}

void grpc_peer_thrives(struct grpc_peer *peer)
{
	if (remote_well(&peer->remote))
		log_info("operator '%s' at %s is reached again", peer->operator, peer->address);
}

static void complain(struct grpc_peer *peer, const char *what, const char *reason)
{
	char problem[768];

	snprintf(problem, sizeof(problem), "%s operator '%s' at %s: %s", what, peer->operator,
		 peer->address, reason);
	if (remote_is_news(&peer->remote, problem))
		log_warn("%s%s", problem, peer->lends ? "; trying again" : "");
	else
		log_debug("%s", problem);
}

static void link_free(struct grpc_link *link, const char *reason)
{
	LIST_REMOVE(link, link);
	grpc_session_free(link->session, reason);
	grpc_identity_clear(&link->identity);
	free(link);
}

static void on_unreachable(struct grpc_peer *peer, const char *reason)
{
	complain(peer, "cannot connect to", reason);
	grpc_call_out_fail(peer, reason);
	if (is_needed(peer) && !peer->dial)
		retry_in(peer, remote_failed(&peer->remote, clock_now_ms()));
}

static void on_closed(struct grpc_session *session, const char *reason, void *arg)
{
	struct grpc_link *link = arg;
	struct grpc_peer *peer = link->peer;
	bool good = clock_now_ms() - link->since_ms >= GOOD_MS;

	(void)session;
	if (peer->current != link) {
		link_free(link, reason);
		return;
	}
	peer->current = NULL;
	LIST_INSERT_HEAD(&peer->old, link, link);
	link_free(link, reason);
	if (peer->lends && !peer->remote.problem)
		log_info("connection to operator '%s' ended: %s; connecting again", peer->operator,
			 reason);
	else
		log_debug("connection to operator '%s' ended: %s", peer->operator, reason);
	if (!is_needed(peer))
		return;
	if (good) {
		grpc_peer_thrives(peer);
		retry_in(peer, 0);
	} else {
		retry_in(peer, remote_bounced(&peer->remote));
	}
}

static void on_draining(struct grpc_session *session, void *arg)
{
	struct grpc_link *link = arg, *oldest = NULL, *each;
	struct grpc_peer *peer = link->peer;
	unsigned n = 0;

	if (peer->current != link)
		return;
	if (grpc_session_wants_calm(session) && peer->ping_interval_ms < PING_INTERVAL_MAX_MS)
		peer->ping_interval_ms *= 2;
	peer->current = NULL;
	for (each = LIST_FIRST(&peer->old); each; each = LIST_NEXT(each, link)) {
		n++;
		oldest = each;
	}
	if (n >= OLD_LINKS_MAX)
		link_free(oldest, "the peer has asked for its end");
	LIST_INSERT_HEAD(&peer->old, link, link);
	if (!is_needed(peer))
		return;
	/* A peer that says good-bye to each new connection must not be asked in a tight loop. */
	if (clock_now_ms() - link->since_ms >= GOOD_MS)
		retry_in(peer, 0);
	else
		retry_in(peer, remote_bounced(&peer->remote));
}

static void on_settled(struct grpc_session *session, void *arg)
{
	struct grpc_link *link = arg;

	(void)session;
	if (link->peer->current == link)
		grpc_peer_ensure(link->peer);
}

static const struct grpc_session_ops session_ops = {
	.settled = on_settled,
	.draining = on_draining,
	.closed = on_closed,
};

/* Anybody whom an authority has certified can answer at the address: it has to be the one. */
static int verify(struct grpc_peer *peer, const struct bufferevent *bev,
		  struct grpc_identity *identity, char reason[160])
{
	const SSL *ssl = bufferevent_openssl_get_ssl((struct bufferevent *)bev);
	const struct directory *directory = broker_directory(peer->client->channel.broker);

	int r = grpc_identity_init(identity, ssl, directory);
	if (r == 0 && grpc_identity_select(identity, peer->operator))
		return 0;
	if (r == -ENOENT)
		snprintf(reason, 160, "it shows no certificate");
	else
		snprintf(reason, 160,
			 "the directory does not list its certificate for it, SHA-256 %s",
			 identity->fingerprint);
	return -EACCES;
}

static int connect_link(struct grpc_peer *peer, struct bufferevent *bev, struct grpc_link *link)
{
	const json_t *settings = broker_settings(peer->client->channel.broker);
	const struct grpc_session_config config = {
		.max_message = (size_t)settings_integer(settings, "limits.message_size"),
		.ping_interval_ms = peer->ping_interval_ms,
		.ping_timeout_ms = PING_TIMEOUT_MS,
		.authority = peer->operator, };

	link->peer = peer;
	link->since_ms = clock_now_ms();
	return grpc_session_new(bev, &config, &session_ops, link, &link->session);
}

static void on_dialled(struct bufferevent *bev, const char *why, void *arg)
{
	struct grpc_peer *peer = arg;
	char reason[160];

	peer->dial = NULL;
	if (!bev) {
		on_unreachable(peer, why);
		return;
	}
	struct grpc_link *link = calloc(1, sizeof(*link));
	int r = link ? verify(peer, bev, &link->identity, reason) : -ENOMEM;
	if (r == -ENOMEM)
		snprintf(reason, sizeof(reason), "out of memory");
	if (r < 0) {
		bufferevent_free(bev);
	} else {
		r = connect_link(peer, bev, link);
		if (r < 0)
			snprintf(reason, sizeof(reason), "%s", strerror(-r));
	}
	if (r < 0) {
		if (link)
			grpc_identity_clear(&link->identity);
		free(link);
		on_unreachable(peer, reason);
		return;
	}
	peer->current = link;
	remote_found(&peer->remote);
	log_debug("connected to operator '%s' at %s", peer->operator, peer->address);
	grpc_call_out_waiting(peer);
	grpc_peer_ensure(peer);
}

static void dial(struct grpc_peer *peer)
{
	struct grpc_client *client = peer->client;

	event_del(peer->retry);
	peer->last_attempt_ms = clock_now_ms();
	int r = grpc_dial_start(broker_loop(client->channel.broker),
				broker_resolver(client->channel.broker), client->tls, peer->address,
				peer->operator, DIAL_TIMEOUT_MS, on_dialled, peer, &peer->dial);
	if (r < 0)
		on_unreachable(peer, strerror(-r));
}

/*
 * Streams that are lent and calls share what the peer admits at once. Half is
 * left for calls, which would wait for ever; one stream is opened before the
 * peer has told how many that are.
 */
static unsigned streams_to_open(struct grpc_link *link)
{
	const struct grpc_peer *peer = link->peer;
	uint32_t admitted = grpc_session_max_calls(link->session);
	unsigned wanted = peer->client->streams, most = admitted < 4 ? 1 : admitted / 2;

	if (wanted <= most)
		return wanted;
	if (admitted > 0 && !link->fewer) {
		log_warn("operator '%s' admits %u calls and streams at once "
			 "(its limits.streams_per_peer): %u of %u streams are opened",
			 peer->operator, admitted, most, wanted);
		link->fewer = true;
	}
	return most;
}

static void open_streams(struct grpc_peer *peer)
{
	struct grpc_link *link = peer->current;

	for (unsigned most = streams_to_open(link); link->n_streams < most;) {
		int r = grpc_reverse_open(link);
		if (r < 0) {
			grpc_peer_stream_lost(link, strerror(-r));
			return;
		}
	}
}

void grpc_peer_ensure(struct grpc_peer *peer)
{
	uint64_t since_ms = clock_now_ms() - peer->last_attempt_ms;

	if (peer->current && !grpc_session_is_usable(peer->current->session))
		return; /* its end is about to be announced */
	if (peer->current) {
		if (peer->lends && !event_pending(peer->retry, EV_TIMEOUT, NULL))
			open_streams(peer);
		return;
	}
	if (peer->dial || !is_needed(peer))
		return;
	/* A message does not wait for a long pause to end, but no faster than the shortest. */
	if (!event_pending(peer->retry, EV_TIMEOUT, NULL) ||
	    since_ms >= peer->client->reconnect_min_ms)
		dial(peer);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct grpc_peer *peer = arg;

	(void)fd;
	(void)what;
	if (peer->current)
		grpc_peer_ensure(peer);
	else if (!peer->dial && is_needed(peer))
		dial(peer);
}

void grpc_peer_stream_lost(struct grpc_link *link, const char *reason)
{
	struct grpc_peer *peer = link->peer;

	if (peer->current != link || !grpc_session_is_usable(link->session) || !peer->lends)
		return;
	complain(peer, "stream refused by", reason);
	if (!event_pending(peer->retry, EV_TIMEOUT, NULL))
		retry_in(peer, remote_bounced(&peer->remote));
}

void grpc_peer_disconnect(struct grpc_peer *peer, const char *reason)
{
	struct grpc_link *link;

	grpc_dial_cancel(TAKE_PTR(peer->dial));
	event_del(peer->retry);
	if (peer->current) {
		link = TAKE_PTR(peer->current);
		LIST_INSERT_HEAD(&peer->old, link, link);
	}
	while ((link = LIST_FIRST(&peer->old)))
		link_free(link, reason);
	grpc_call_out_fail(peer, reason);
	peer->last_attempt_ms = 0;
	remote_clear(&peer->remote);
	init_remote(peer);
}

int grpc_peer_new(struct grpc_client *client, const char *name, const char *address,
		  struct grpc_peer **ret)
{
	struct grpc_peer *peer = calloc(1, sizeof(*peer));

	if (!peer)
		return -ENOMEM;
	peer->client = client;
	peer->operator= strdup(name);
	peer->address = strdup(address);
	peer->retry = evtimer_new(broker_loop(client->channel.broker), on_retry, peer);
	init_remote(peer);
	peer->ping_interval_ms = PING_INTERVAL_MS;
	LIST_INIT(&peer->old);
	TAILQ_INIT(&peer->waiting);
	LIST_INSERT_HEAD(&client->peers, peer, link);
	if (!peer->operator|| !peer->address || !peer->retry) {
		grpc_peer_free(peer, NULL);
		return -ENOMEM;
	}
	*ret = peer;
	return 0;
}

void grpc_peer_free(struct grpc_peer *peer, const char *reason)
{
	LIST_REMOVE(peer, link);
	if (peer->retry) {
		grpc_peer_disconnect(peer, reason);
		event_free(peer->retry);
	}
	remote_clear(&peer->remote);
	free(peer->operator);
	free(peer->address);
	free(peer);
}
