/* SPDX-License-Identifier: BSD-2-Clause */
/* A host's name to addresses of both families: the names that it may stand for, one by one. */
#pragma once

#include "common/dns/question.h"

struct lookup;

struct lookup_result {
	int n; /* addresses; or -ENOENT: no such name, -EIO: no answer, -ENOMEM */
	const struct addr *addrs; /* in the order to try them, without a port */
	unsigned ttl;             /* s */
	const char *reason;       /* with n < 0, why */
	bool last; /* false: the other family is late, and `found` will be called once more */
};

typedef void (*lookup_found)(const struct lookup_result *result, void *arg);

struct lookup_config {
	struct event_base *base;
	struct servers *servers;
	const struct resolv_conf *conf; /* copied as far as it is needed: it may change meanwhile */
	unsigned max_addrs;
};

/* `found` is called never before return. */
int lookup_new(const struct lookup_config *config, const char *host, lookup_found found, void *arg,
	       struct lookup **ret);
/* Also from inside `found`. NULL is fine. */
void lookup_free(struct lookup *lookup);
