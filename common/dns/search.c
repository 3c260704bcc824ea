// SPDX-License-Identifier: BSD-2-Clause
#include "common/dns/search.h"

#include <stdio.h>
#include <string.h>

static unsigned count_dots(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == '.';
	return n;
}

bool search_name(const struct resolv_conf *conf, const char *host, unsigned i,
		 char ret[ADDR_HOST_MAX + 1])
{
	size_t length = strlen(host);
	bool full = length > 0 && host[length - 1] == '.';
	unsigned domains = full ? 0 : conf->n_domains;
	unsigned itself = full || count_dots(host) >= conf->ndots ? 0 : domains;

	if (i > domains)
		return false;
	if (i == itself) {
		snprintf(ret, ADDR_HOST_MAX + 1, "%s", host);
		return true;
	}
	const char *domain = conf->domains[i - (i > itself)];
	while (*domain == '.')
		domain++;
	/* What gets too long is no name: it is cut, and c-ares refuses it. */
	snprintf(ret, ADDR_HOST_MAX + 1, *domain ? "%s.%s" : "%s", host, domain);
	return true;
}
