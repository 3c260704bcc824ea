// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/sources.h"

#include "common/base/siphash.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define PLACES 65536

struct sources {
	_Atomic uint32_t most_per_source, most;
	struct siphash_key key;
	_Atomic uint32_t all;
	_Atomic uint32_t places[PLACES];
};

struct sources *sources_new(uint32_t most_per_source, uint32_t most)
{
	struct sources *sources = calloc(1, sizeof(*sources));

	if (!sources)
		return NULL;
	siphash_key_new(&sources->key);
	sources_limit(sources, most_per_source, most);
	return sources;
}

void sources_limit(struct sources *sources, uint32_t most_per_source, uint32_t most)
{
	atomic_store_explicit(&sources->most_per_source, most_per_source, memory_order_relaxed);
	atomic_store_explicit(&sources->most, most, memory_order_relaxed);
}

void sources_free(struct sources *sources)
{
	free(sources);
}

static uint32_t place_of(const struct sources *sources, const struct addr *source)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)&source->sa;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&source->sa;
	uint8_t prefix[8] = {0};

	if (source->sa.ss_family == AF_INET)
		memcpy(prefix, &in->sin_addr, 4);
	else if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		memcpy(prefix, &in6->sin6_addr.s6_addr[12], 4);
	else
		memcpy(prefix, &in6->sin6_addr, 8);
	return (uint32_t)siphash(&sources->key, prefix, sizeof(prefix)) % PLACES;
}

int sources_enter(struct sources *sources, const struct addr *source, uint32_t *ret)
{
	uint32_t place = place_of(sources, source);
	uint32_t most = atomic_load_explicit(&sources->most, memory_order_relaxed);
	uint32_t most_per_source =
		atomic_load_explicit(&sources->most_per_source, memory_order_relaxed);

	if (atomic_fetch_add(&sources->all, 1) >= most) {
		atomic_fetch_sub(&sources->all, 1);
		return -EUSERS;
	}
	if (atomic_fetch_add(&sources->places[place], 1) >= most_per_source) {
		sources_leave(sources, place);
		return -EDQUOT;
	}
	*ret = place;
	return 0;
}

void sources_leave(struct sources *sources, uint32_t place)
{
	atomic_fetch_sub(&sources->places[place], 1);
	atomic_fetch_sub(&sources->all, 1);
}
