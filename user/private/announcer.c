// SPDX-License-Identifier: BSD-2-Clause
#include "user/private/announcer.h"

#include "user/private/public_proxy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct public_proxy *find_proxy(struct announcer *announcer, const char *name)
{
	struct public_proxy *proxy;

	LIST_FOREACH(proxy, &announcer->proxies, entry) {
		if (strcmp(proxy->name, name) == 0)
			return proxy;
	}
	return NULL;
}

static int add_proxy(struct announcer *announcer, const char *name, struct public_proxy **ret)
{
	struct public_proxy *proxy = calloc(1, sizeof(*proxy));

	if (!proxy)
		return -ENOMEM;
	proxy->announcer = announcer;
	remote_init(&proxy->remote, &public_proxy_pace, true);
	proxy->name = strdup(name);
	proxy->timer = evtimer_new(announcer->base, public_proxy_turn, proxy);
	if (!proxy->name || !proxy->timer) {
		if (proxy->timer)
			event_free(proxy->timer);
		free(proxy->name);
		free(proxy);
		return -ENOMEM;
	}
	LIST_INSERT_HEAD(&announcer->proxies, proxy, entry);
	*ret = proxy;
	return 0;
}

static int add_proxies(struct announcer *announcer)
{
	const struct announcement *item;
	struct public_proxy *proxy;

	TAILQ_FOREACH(item, announcements_list(announcer->announcements), entry) {
		if (find_proxy(announcer, item->proxy))
			continue;
		int r = add_proxy(announcer, item->proxy, &proxy);
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
	LIST_INIT(&announcer->proxies);
	int r = add_proxies(announcer);
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
	for (struct public_proxy *proxy; (proxy = LIST_FIRST(&announcer->proxies));) {
		LIST_REMOVE(proxy, entry);
		event_free(proxy->timer);
		json_decref(proxy->sent);
		remote_clear(&proxy->remote);
		free(proxy->name);
		free(proxy);
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
	struct public_proxy *proxy;

	announcer->started = true;
	LIST_FOREACH(proxy, &announcer->proxies, entry) {
		public_proxy_wait(proxy, 0);
	}
}

void announcer_stop(struct announcer *announcer)
{
	struct public_proxy *proxy;

	announcer->started = false;
	LIST_FOREACH(proxy, &announcer->proxies, entry) {
		event_del(proxy->timer);
	}
}

int announcer_watch(struct announcer *announcer, const char *name)
{
	struct public_proxy *proxy = find_proxy(announcer, name);

	if (!proxy) {
		int r = add_proxy(announcer, name, &proxy);
		if (r < 0)
			return r;
	}
	public_proxy_accepted(proxy);
	if (announcer->accepted)
		announcer->accepted(name, announcer->accepted_arg);
	return 0;
}
