// SPDX-License-Identifier: BSD-2-Clause
#include "common/dns/servers.h"

#include "common/base/clock.h"
#include "common/base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A server that does not answer is tried again as often, beside one that does: nobody waits. */
#define AVOID_NS (5 * NS_PER_S)

TAILQ_HEAD(server_list, server);

struct servers {
	struct event_base *base;
	struct server *list[RESOLV_SERVERS];
	unsigned n;
	struct server_list retired;
	struct resolv_conf conf;
	unsigned turn; /* rotate: which goes first */
};

int servers_new(struct event_base *base, struct servers **ret)
{
	struct servers *servers = calloc(1, sizeof(*servers));

	if (!servers)
		return -ENOMEM;
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
		free(servers);
		return -ENOMEM;
	}
	servers->base = base;
	TAILQ_INIT(&servers->retired);
	*ret = servers;
	return 0;
}

static void free_retired(struct servers *servers, bool all)
{
	struct server *server, *next;

	for (server = TAILQ_FIRST(&servers->retired); server; server = next) {
		next = TAILQ_NEXT(server, entry);
		if (!all && server->refs > 0)
			continue;
		TAILQ_REMOVE(&servers->retired, server, entry);
		server_free(server);
	}
}

void servers_free(struct servers *servers)
{
	if (!servers)
		return;
	for (unsigned i = 0; i < servers->n; i++)
		server_free(servers->list[i]);
	free_retired(servers, true);
	free(servers);
	ares_library_cleanup();
}

static bool same_server(const struct name_server *a, const struct name_server *b)
{
	return a->addr.len == b->addr.len && memcmp(&a->addr.sa, &b->addr.sa, a->addr.len) == 0 &&
	       strcmp(a->device, b->device) == 0;
}

/* The place in the list of one that can stay, or -1. */
static int find(const struct servers *servers, const struct resolv_conf *conf, unsigned wanted)
{
	if (conf->timeout_ms != servers->conf.timeout_ms || conf->use_tcp != servers->conf.use_tcp)
		return -1;
	for (unsigned i = 0; i < servers->n; i++) {
		if (servers->list[i] &&
		    same_server(&servers->list[i]->name_server, &conf->servers[wanted]))
			return (int)i;
	}
	return -1;
}

int servers_set(struct servers *servers, const struct resolv_conf *conf)
{
	struct server *list[RESOLV_SERVERS] = {NULL};
	int old[RESOLV_SERVERS] = {0};
	int r = 0;

	for (unsigned i = 0; i < conf->n_servers && r == 0; i++) {
		old[i] = find(servers, conf, i);
		if (old[i] < 0)
			r = server_new(servers->base, &conf->servers[i], conf->timeout_ms,
				       conf->use_tcp, &list[i]);
	}
	if (r < 0) {
		for (unsigned i = 0; i < conf->n_servers; i++)
			server_free(list[i]);
		return r;
	}
	for (unsigned i = 0; i < conf->n_servers; i++) {
		if (old[i] < 0)
			continue;
		/* One that is named twice is found once. */
		list[i] = servers->list[old[i]];
		servers->list[old[i]] = NULL;
	}
	for (unsigned i = 0; i < servers->n; i++) {
		if (servers->list[i])
			TAILQ_INSERT_TAIL(&servers->retired, servers->list[i], entry);
	}
	servers->n = 0;
	for (unsigned i = 0; i < conf->n_servers; i++) {
		if (list[i])
			servers->list[servers->n++] = list[i];
	}
	servers->conf = *conf;
	free_retired(servers, false);
	return 0;
}

unsigned servers_attempts(const struct servers *servers)
{
	return servers->conf.attempts;
}

unsigned servers_order(struct servers *servers, struct server *ret[RESOLV_SERVERS])
{
	unsigned from = servers->conf.rotate ? servers->turn++ : 0, n = 0;

	for (unsigned avoided = 0; avoided < 2; avoided++) {
		for (unsigned i = 0; i < servers->n; i++) {
			struct server *server = servers->list[(from + i) % servers->n];
			if ((server->avoid_until != 0) != avoided)
				continue;
			server->refs++;
			ret[n++] = server;
		}
	}
	return n;
}

struct server *servers_to_probe(struct servers *servers)
{
	uint64_t now = clock_now();

	for (unsigned i = 0; i < servers->n; i++) {
		struct server *server = servers->list[i];
		if (server->avoid_until == 0 || server->avoid_until > now)
			continue;
		server->avoid_until = now + AVOID_NS;
		return server;
	}
	return NULL;
}

void server_good(struct server *server)
{
	if (server->silence_told)
		log_info("name server %s answers again", server->text);
	server->silence_told = false;
	server->avoid_until = 0;
}

void server_slow(struct server *server)
{
	server->avoid_until = clock_now() + AVOID_NS;
}

void server_bad(struct server *server, const char *reason)
{
	/* One that was slow first is not avoided for longer. */
	if (server->avoid_until == 0)
		server_slow(server);
	if (!server->silence_told)
		log_warn("name server %s: %s", server->text, reason);
	server->silence_told = true;
}
