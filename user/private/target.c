// SPDX-License-Identifier: BSD-2-Clause
#include "user/private/target.h"

#include "common/base/domain.h"
#include "common/base/log.h"
#include "common/base/timestamp.h"
#include "user/private/endpoints.h"

#include <stdio.h>
#include <string.h>

static const struct announcement *match(const struct private_service *service, const char *domain,
					const char *proxy)
{
	char wildcard[DOMAIN_MAX + 2];
	int64_t now = timestamp_now();

	const struct announcement *item = announcements_find(service->announcements, domain, proxy);
	if (item && !announcement_expired(item, now))
		return item;
	const char *rest = strchr(domain, '.');
	if (!rest)
		return NULL;
	snprintf(wildcard, sizeof(wildcard), "*%s", rest);
	item = announcements_find(service->announcements, wildcard, proxy);
	return item && !announcement_expired(item, now) ? item : NULL;
}

const char *target_inside(const struct private_service *service, const char *domain,
			  const char *proxy)
{
	const struct announcement *item = match(service, domain, proxy);

	if (!item)
		return NULL;
	return item->internal_address ? item->internal_address : service->internal_address;
}

bool target_allowed(const struct private_service *service, const struct caller *proxy,
		    const char *endpoint)
{
	if (endpoints_check(service->public_proxies, proxy, endpoint) == 0)
		return true;
	log_warn("connection: proxy=%s names the endpoint \"%s\", which neither the settings nor "
		 "the directory give for it; to allow it, add {name: %s, endpoints: [\"%s\"]} to "
		 "private.public_proxies",
		 proxy->name, endpoint, proxy->name, endpoint);
	return false;
}

bool target_addresses(const char *domain, const char *proxy, const char *endpoint,
		      const struct resolver_answer *answer, struct addr ret[ENDPOINT_ADDRS],
		      unsigned *ret_n)
{
	if (answer->n < 0) {
		log_warn("connection: domain=%s proxy=%s: %s cannot be resolved: %s", domain, proxy,
			 endpoint, answer->reason);
		return false;
	}
	*ret_n = answer->n < ENDPOINT_ADDRS ? (unsigned)answer->n : ENDPOINT_ADDRS;
	memcpy(ret, answer->addrs, *ret_n * sizeof(*ret));
	return true;
}
