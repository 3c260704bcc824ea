// SPDX-License-Identifier: BSD-2-Clause
#include "user/private/announcer.h"

#include "common/base/container_of.h"
#include "common/base/timestamp.h"
#include "user/private/public_proxy.h"
#include "user/wire/form.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct public_proxy *of(const struct table_link *link)
{
	return container_of(link, struct public_proxy, link);
}

static bool same(const struct table_link *link, const void *name)
{
	return strcmp(of(link)->name, name) == 0;
}

static struct public_proxy *find_proxy(const struct announcer *announcer, const char *name)
{
	const struct table *all = &announcer->proxies;
	struct table_link *link = table_find(all, table_hash_string(all, name), same, name);

	return link ? of(link) : NULL;
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
	table_add(&announcer->proxies, &proxy->link, table_hash_string(&announcer->proxies, name));
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
	table_init(&announcer->proxies);
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
	struct table_link *link, *next;

	if (!announcer)
		return;
	TABLE_FOREACH(link, next, &announcer->proxies) {
		struct public_proxy *proxy = of(link);

		event_free(proxy->timer);
		json_decref(proxy->sent);
		remote_clear(&proxy->remote);
		free(proxy->name);
		free(proxy);
	}
	table_clear(&announcer->proxies);
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
	struct table_link *link, *next;

	announcer->started = true;
	TABLE_FOREACH(link, next, &announcer->proxies)
		public_proxy_wait(of(link), 0);
}

void announcer_stop(struct announcer *announcer)
{
	struct table_link *link, *next;

	announcer->started = false;
	TABLE_FOREACH(link, next, &announcer->proxies)
		event_del(of(link)->timer);
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

json_t *announcer_connection(const char *domain, const char *proxy, int64_t expires_at, int64_t now)
{
	char until[TIMESTAMP_TEXT_MAX];

	/* Later ones would be refused; they are announced again long before the week is over. */
	if (expires_at > now + EXPIRY_MAX_MS - PUBLIC_PROXY_AGAIN_MS)
		expires_at = now + EXPIRY_MAX_MS - PUBLIC_PROXY_AGAIN_MS;
	if (expires_at != 0)
		timestamp_format(expires_at, until);
	return json_pack("{s:s, s:s, s:s?}", "domain", domain, "proxy", proxy, "expires_at",
			 expires_at != 0 ? until : NULL);
}
