// SPDX-License-Identifier: BSD-2-Clause
#include "common/dns/lookup.h"

#include "common/base/cleanup.h"
#include "common/dns/order.h"
#include "common/dns/search.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* How long the addresses of one family wait for those of the other one (RFC 8305, section 3). */
#define OTHER_FAMILY_MS 50

enum { V6, V4, FAMILIES };

struct half {
	struct lookup *lookup;
	struct question *question; /* NULL: answered */
	struct question_result result;
};

struct lookup {
	struct lookup_config config;
	struct resolv_conf conf;
	struct half half[FAMILIES];
	struct event *late;
	unsigned turn; /* of the search list */
	bool told;     /* `found` has been called, the other family is awaited */
	int failed;    /* of an earlier name: -EIO if nobody answered for it */
	lookup_found found;
	void *arg;
	char reason[DNS_REASON_MAX];
	char host[];
};

static void half_clear(struct half *half)
{
	question_free(half->question);
	free(half->result.addrs);
	half->question = NULL;
	half->result = (struct question_result){0};
}

void lookup_free(struct lookup *lookup)
{
	if (!lookup)
		return;
	for (unsigned i = 0; i < FAMILIES; i++)
		half_clear(&lookup->half[i]);
	if (lookup->late)
		event_free(lookup->late);
	free(lookup);
}

static void tell_failure(struct lookup *lookup, int r)
{
	const struct lookup_result result = {.n = r, .reason = lookup->reason, .last = true};

	lookup->found(&result, lookup->arg);
}

static void tell(struct lookup *lookup, bool last)
{
	const struct question_result *v6 = &lookup->half[V6].result;
	const struct question_result *v4 = &lookup->half[V4].result;
	AUTO_FREE struct addr *list = calloc(lookup->config.max_addrs, sizeof(*list));
	struct lookup_result result = {.addrs = list, .last = last};

	event_del(lookup->late);
	lookup->told = true;
	if (!list) {
		snprintf(lookup->reason, sizeof(lookup->reason), "out of memory");
		tell_failure(lookup, -ENOMEM);
		return;
	}
	result.n = (int)order_addresses(v6->addrs, v6->n, v4->addrs, v4->n, list,
					lookup->config.max_addrs);
	if (v6->n > 0 && v4->n > 0)
		result.ttl = v6->ttl < v4->ttl ? v6->ttl : v4->ttl;
	else
		result.ttl = v6->n > 0 ? v6->ttl : v4->ttl;
	lookup->found(&result, lookup->arg);
}

static int ask(struct lookup *lookup);

/* There is a server, and it answers. As in libc, the search goes on. */
static bool refused_to_tell(const struct question_result *result)
{
	return result->status == ARES_ESERVFAIL || result->status == ARES_EREFUSED;
}

/* Neither family has an address of this name. */
static void nothing_found(struct lookup *lookup)
{
	const struct question_result *v4 = &lookup->half[V4].result;
	const struct question_result *v6 = &lookup->half[V6].result;
	bool denied = question_denied(v4) && question_denied(v6);

	/* That nobody answered tells more than that another name is not there. */
	if (!denied || lookup->failed == 0)
		snprintf(lookup->reason, sizeof(lookup->reason), "%s",
			 question_denied(v4) && !denied ? v6->reason : v4->reason);
	if (!denied)
		lookup->failed = v4->status == ARES_ENOMEM ? -ENOMEM : -EIO;
	/* Servers that are silent would be so for the next name, too. */
	bool silent = !denied && !refused_to_tell(v4) && !refused_to_tell(v6);
	for (unsigned i = 0; i < FAMILIES; i++)
		half_clear(&lookup->half[i]);
	lookup->turn++;
	int r = silent ? -ENOENT : ask(lookup);
	if (r == -ENOENT)
		tell_failure(lookup, lookup->failed ? lookup->failed : -ENOENT);
	else if (r < 0)
		tell_failure(lookup, r);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	tell(arg, false);
}

static void on_answered(struct question_result *result, void *arg)
{
	static const struct timeval wait = {.tv_usec = OTHER_FAMILY_MS * 1000};
	struct half *half = arg;
	struct lookup *lookup = half->lookup;

	half->result = *result;
	half->result.addrs = TAKE_PTR(result->addrs);
	question_free(TAKE_PTR(half->question));
	bool all = !lookup->half[V4].question && !lookup->half[V6].question;
	bool found = lookup->half[V4].result.n > 0 || lookup->half[V6].result.n > 0;
	if (all && found)
		tell(lookup, true);
	else if (all)
		nothing_found(lookup);
	else if (found)
		(void)event_add(lookup->late, &wait);
}

/* -ENOENT: no name is left to ask for. */
static int ask(struct lookup *lookup)
{
	char name[ADDR_HOST_MAX + 1];
	int r = 0;

	if (!search_name(&lookup->conf, lookup->host, lookup->turn, name))
		return -ENOENT;
	for (unsigned i = 0; i < FAMILIES && r == 0; i++) {
		lookup->half[i].lookup = lookup;
		r = question_new(lookup->config.base, lookup->config.servers, name,
				 i == V4 ? ns_t_a : ns_t_aaaa, lookup->config.max_addrs,
				 on_answered, &lookup->half[i], &lookup->half[i].question);
	}
	return r;
}

int lookup_new(const struct lookup_config *config, const char *host, lookup_found found, void *arg,
	       struct lookup **ret)
{
	struct lookup *lookup = calloc(1, sizeof(*lookup) + strlen(host) + 1);

	if (!lookup)
		return -ENOMEM;
	lookup->config = *config;
	lookup->conf = *config->conf;
	lookup->found = found;
	lookup->arg = arg;
	strcpy(lookup->host, host);
	lookup->late = evtimer_new(config->base, on_late, lookup);
	int r = lookup->late ? ask(lookup) : -ENOMEM;
	if (r < 0) {
		lookup_free(lookup);
		return r;
	}
	*ret = lookup;
	return 0;
}
