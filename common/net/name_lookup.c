// SPDX-License-Identifier: BSD-2-Clause
#include "common/net/name_lookup.h"

#include <errno.h>
#include <event2/dns.h>
#include <event2/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct name_lookup {
	name_lookup_done done; /* NULL: cancelled */
	void *arg;
	/* Its own: so that it reads resolv.conf and hosts as they are now. */
	struct evdns_base *dns;
	struct evdns_getaddrinfo_request *request;
	struct event *finish; /* leave the resolver's callback before it is freed */
	bool under_way;       /* the resolver will call back */
	int n;
	struct addr addrs[NAME_LOOKUP_MAX];
};

static void lookup_free(struct name_lookup *lookup)
{
	if (lookup->dns)
		evdns_base_free(lookup->dns, 0);
	if (lookup->finish)
		event_free(lookup->finish);
	free(lookup);
}

static void on_finish(evutil_socket_t fd, short what, void *arg)
{
	struct name_lookup *lookup = arg;

	(void)fd;
	(void)what;
	if (lookup->done)
		lookup->done(lookup->n, lookup->addrs, lookup->arg);
	lookup_free(lookup);
}

static void on_resolved(int result, struct evutil_addrinfo *list, void *arg)
{
	struct name_lookup *lookup = arg;

	lookup->under_way = false;
	lookup->n = 0;
	for (const struct evutil_addrinfo *ai = list; ai && lookup->n < NAME_LOOKUP_MAX;
	     ai = ai->ai_next) {
		struct addr *addr = &lookup->addrs[lookup->n];
		if (ai->ai_addrlen > sizeof(addr->sa))
			continue;
		memcpy(&addr->sa, ai->ai_addr, ai->ai_addrlen);
		addr->len = (socklen_t)ai->ai_addrlen;
		lookup->n++;
	}
	if (list)
		evutil_freeaddrinfo(list);
	if (lookup->n == 0)
		lookup->n = result == EVUTIL_EAI_MEMORY ? -ENOMEM : -ENOENT;
	event_active(lookup->finish, EV_TIMEOUT, 0);
}

/* A missing resolv.conf, or one without a name server, is no fault: /etc/hosts is left. */
static struct evdns_base *new_resolver(struct event_base *base)
{
	struct evdns_base *dns = evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);

	if (!dns)
		return NULL;
	(void)evdns_base_resolv_conf_parse(dns, DNS_OPTIONS_ALL, "/etc/resolv.conf");
	(void)evdns_base_set_option(dns, "timeout:", "2");
	(void)evdns_base_set_option(dns, "attempts:", "2");
	return dns;
}

static int ask(struct name_lookup *lookup, struct event_base *base, const char *text)
{
	const struct evutil_addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_protocol = IPPROTO_TCP,
	};
	char host[ADDR_HOST_MAX + 1], port[6];
	uint16_t number;

	int r = addr_split(text, host, &number);
	if (r < 0)
		return r;
	snprintf(port, sizeof(port), "%u", number);
	lookup->dns = new_resolver(base);
	if (!lookup->dns)
		return -ENOMEM;
	lookup->under_way = true;
	/* May call back at once, for a name in /etc/hosts or when no name server is known. */
	struct evdns_getaddrinfo_request *request =
		evdns_getaddrinfo(lookup->dns, host, port, &hints, on_resolved, lookup);
	if (lookup->under_way)
		lookup->request = request;
	return 0;
}

int name_lookup_start(struct event_base *base, const char *text, name_lookup_done done, void *arg,
		      struct name_lookup **ret)
{
	struct name_lookup *lookup = calloc(1, sizeof(*lookup));

	if (!lookup)
		return -ENOMEM;
	lookup->done = done;
	lookup->arg = arg;
	lookup->finish = event_new(base, -1, 0, on_finish, lookup);
	int r = lookup->finish ? addr_parse(text, lookup->addrs, NAME_LOOKUP_MAX) : -ENOMEM;
	if (r > 0) {
		lookup->n = r;
		event_active(lookup->finish, EV_TIMEOUT, 0);
	} else if (r == -EAGAIN) {
		r = ask(lookup, base, text);
	}
	if (r < 0) {
		lookup_free(lookup);
		return r;
	}
	*ret = lookup;
	return 0;
}

void name_lookup_cancel(struct name_lookup *lookup)
{
	if (!lookup)
		return;
	if (!lookup->under_way) {
		lookup_free(lookup);
		return;
	}
	lookup->done = NULL; /* goes when the resolver calls back, some turns of the loop later */
	if (lookup->request)
		evdns_getaddrinfo_cancel(lookup->request);
}
