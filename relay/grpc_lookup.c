// SPDX-License-Identifier: BSD-2-Clause
#include "relay/grpc_lookup.h"

#include <errno.h>
#include <event2/dns.h>
#include <event2/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct grpc_lookup {
	grpc_lookup_done done; /* NULL: cancelled */
	void *arg;
	struct evdns_base
		*dns;         /* its own: so that it reads resolv.conf and hosts as they are now */
	struct event *finish; /* leave the resolver's callback before it is freed */
	bool under_way;       /* the resolver will call back */
	int n;
	struct addr addrs[GRPC_LOOKUP_MAX];
};

static void lookup_free(struct grpc_lookup *lookup)
{
	if (lookup->dns)
		evdns_base_free(lookup->dns, 0);
	if (lookup->finish)
		event_free(lookup->finish);
	free(lookup);
}

static void on_finish(evutil_socket_t fd, short what, void *arg)
{
	struct grpc_lookup *lookup = arg;

	(void)fd;
	(void)what;
	if (lookup->done)
		lookup->done(lookup->n, lookup->addrs, lookup->arg);
	lookup_free(lookup);
}

static void on_resolved(int result, struct evutil_addrinfo *list, void *arg)
{
	struct grpc_lookup *lookup = arg;

	lookup->under_way = false;
	lookup->n = 0;
	for (const struct evutil_addrinfo *ai = list; ai && lookup->n < GRPC_LOOKUP_MAX;
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

static int ask(struct grpc_lookup *lookup, struct event_base *base, const char *text)
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
	lookup->dns = evdns_base_new(base, EVDNS_BASE_INITIALIZE_NAMESERVERS |
						   EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (!lookup->dns)
		return -ENOMEM;
	lookup->under_way = true;
	(void)evdns_getaddrinfo(lookup->dns, host, port, &hints, on_resolved, lookup);
	return 0;
}

int grpc_lookup_start(struct event_base *base, const char *text, grpc_lookup_done done, void *arg,
		      struct grpc_lookup **ret)
{
	struct grpc_lookup *lookup = calloc(1, sizeof(*lookup));

	if (!lookup)
		return -ENOMEM;
	lookup->done = done;
	lookup->arg = arg;
	lookup->finish = event_new(base, -1, 0, on_finish, lookup);
	int r = lookup->finish ? addr_parse(text, lookup->addrs, GRPC_LOOKUP_MAX) : -ENOMEM;
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

void grpc_lookup_cancel(struct grpc_lookup *lookup)
{
	if (!lookup)
		return;
	if (lookup->under_way)
		lookup->done = NULL; /* goes when the resolver calls back */
	else
		lookup_free(lookup);
}
