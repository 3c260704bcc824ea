// SPDX-License-Identifier: BSD-2-Clause
#include "user/private/announcer.h"

#include "user/private/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct peer *find_peer(struct announcer *announcer, const char *name)
{
	struct peer *peer;

	LIST_FOREACH(peer, &announcer->peers, entry) {
		if (strcmp(peer->name, name) == 0)
			return peer;
	}
	return NULL;
}

static int add_peer(struct announcer *announcer, const char *name, struct peer **ret)
{
	struct peer *peer = calloc(1, sizeof(*peer));

	if (!peer)
		return -ENOMEM;
	peer->announcer = announcer;
	remote_init(&peer->remote, &peer_pace, true);
	peer->name = strdup(name);
	peer->timer = evtimer_new(announcer->base, peer_turn, peer);
	if (!peer->name || !peer->timer) {
		if (peer->timer)
			event_free(peer->timer);
		free(peer->name);
		free(peer);
		return -ENOMEM;
	}
	LIST_INSERT_HEAD(&announcer->peers, peer, entry);
	*ret = peer;
	return 0;
}

static int add_peers(struct announcer *announcer)
{
	const struct announcement *item;
	struct peer *peer;

	TAILQ_FOREACH(item, announcements_list(announcer->announcements), entry) {
		if (find_peer(announcer, item->peer))
			continue;
		int r = add_peer(announcer, item->peer, &peer);
		if (r < 0)
			return r;
	}
	return 0;
}

int announcer_new(struct event_base *base, const char *name, struct jsonrpc_client *client,
		  struct announcements *announcements, struct announcer **ret)
{
	struct announcer *announcer = calloc(1, sizeof(*announcer));

	if (!announcer)
		return -ENOMEM;
	announcer->base = base;
	announcer->name = name;
	announcer->client = client;
	announcer->announcements = announcements;
	LIST_INIT(&announcer->peers);
	int r = add_peers(announcer);
	if (r < 0) {
		announcer_free(announcer);
		return r;
	}
	*ret = announcer;
	return 0;
}

void announcer_free(struct announcer *announcer)
{
	if (!announcer)
		return;
	for (struct peer *peer; (peer = LIST_FIRST(&announcer->peers));) {
		LIST_REMOVE(peer, entry);
		event_free(peer->timer);
		json_decref(peer->sent);
		remote_clear(&peer->remote);
		free(peer->name);
		free(peer);
	}
	free(announcer);
}

void announcer_on_accepted(struct announcer *announcer,
			   void (*accepted)(const char *proxy, void *arg), void *arg)
{
	announcer->accepted = accepted;
	announcer->accepted_arg = arg;
}

void announcer_start(struct announcer *announcer)
{
	struct peer *peer;

	announcer->started = true;
	LIST_FOREACH(peer, &announcer->peers, entry) {
		peer_wait(peer, 0);
	}
}

void announcer_stop(struct announcer *announcer)
{
	struct peer *peer;

	announcer->started = false;
	LIST_FOREACH(peer, &announcer->peers, entry) {
		event_del(peer->timer);
	}
}

int announcer_watch(struct announcer *announcer, const char *name)
{
	struct peer *peer = find_peer(announcer, name);

	if (!peer) {
		int r = add_peer(announcer, name, &peer);
		if (r < 0)
			return r;
	}
	peer_accepted(peer);
	if (announcer->accepted)
		announcer->accepted(name, announcer->accepted_arg);
	return 0;
}
