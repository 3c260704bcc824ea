// SPDX-License-Identifier: BSD-2-Clause
#include "common/dns/hosts.h"

#include <errno.h>
#include <string.h>

struct found {
	struct addr *addrs;
	unsigned n, max;
};

int hosts_init(struct hosts *hosts)
{
	char lookups[] = "f", nothing[] = "/dev/null";
	struct ares_options options = {
		.flags = ARES_FLAG_NOALIASES,
		.lookups = lookups,
		.resolvconf_path = nothing,
	};

	int r = ares_init_options(&hosts->channel, &options,
				  ARES_OPT_FLAGS | ARES_OPT_LOOKUPS | ARES_OPT_DOMAINS |
					  ARES_OPT_RESOLVCONF);
	if (r != ARES_SUCCESS)
		hosts->channel = NULL;
	return r == ARES_SUCCESS ? 0 : -ENOMEM;
}

void hosts_done(struct hosts *hosts)
{
	if (hosts->channel)
		ares_destroy(hosts->channel);
	hosts->channel = NULL;
}

static void on_found(void *arg, int status, int timeouts, struct ares_addrinfo *list)
{
	struct found *found = arg;

	(void)timeouts;
	if (status != ARES_SUCCESS)
		return;
	for (const struct ares_addrinfo_node *node = list->nodes; node; node = node->ai_next) {
		struct addr *addr = &found->addrs[found->n];
		if (found->n >= found->max || node->ai_addrlen > sizeof(addr->sa))
			continue;
		memset(addr, 0, sizeof(*addr));
		memcpy(&addr->sa, node->ai_addr, node->ai_addrlen);
		addr->len = node->ai_addrlen;
		found->n++;
	}
	ares_freeaddrinfo(list);
}

unsigned hosts_find(struct hosts *hosts, const char *name, struct addr *ret, unsigned max)
{
	const struct ares_addrinfo_hints hints = {
		.ai_flags = ARES_AI_NOSORT,
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
	};
	struct found found = {.addrs = ret, .max = max};

	/* A channel that knows files only calls back before it returns. */
	ares_getaddrinfo(hosts->channel, name, NULL, &hints, on_found, &found);
	return found.n;
}
