/* SPDX-License-Identifier: BSD-2-Clause */
/* `allowed_domains` of a directory entry: the domains that an operator may announce. */
#pragma once

#include "common/base/domain.h"

#include <jansson.h>

/* Far more than any directory holds; an entry with more is refused as malformed. */
#define ALLOWED_DOMAINS_MAX 10000

struct allowed_domains {
	char (*patterns)[DOMAIN_PATTERN_MAX];
	size_t n;
};

/*
 * From the settings of service "proxy" in the directory. -EBADMSG: no list
 * there, or an entry that is no domain; -ENOMEM.
 */
int allowed_domains_load(const json_t *settings, struct allowed_domains *ret);
void allowed_domains_clear(struct allowed_domains *allowed);

/* `domain` is normalised; may be a wildcard. */
bool allowed_domains_cover(const struct allowed_domains *allowed, const char *domain);
