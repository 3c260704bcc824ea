// SPDX-License-Identifier: BSD-2-Clause
#include "common/net/rate_limit.h"

#include "common/base/siphash.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS   8192 /* power of two */
#define PROBES  8
#define WINDOWS 3

static const struct {
	const char *name;
	uint64_t ms;
} periods[WINDOWS] = {{"second", 1000}, {"minute", 60 * 1000}, {"hour", 60 * 60 * 1000}};

struct slot {
	uint8_t source[ADDR_SOURCE_BYTES];
	uint64_t window[WINDOWS]; /* number of the window that is counted, from 1 */
	uint32_t count[WINDOWS];
};

/*
 * Not a table.h: strangers would make that grow. A source has PROBES places
 * here, which it takes from one that is over its windows, or shares.
 */
struct rate_limit {
	struct siphash_key key;
	uint32_t limit[WINDOWS]; /* 0: none */
	struct slot slots[SLOTS];
};

int rate_limit_new(const json_t *settings, struct rate_limit **ret)
{
	struct rate_limit *limit;
	const json_t *item;
	size_t i;

	if (!settings || json_is_null(settings) || json_array_size(settings) == 0) {
		*ret = NULL;
		return 0;
	}
	limit = calloc(1, sizeof(*limit));
	if (!limit)
		return -ENOMEM;
	siphash_key_new(&limit->key);
	json_array_foreach(settings, i, item) {
		const char *type = json_string_value(json_object_get(item, "type"));
		json_int_t value = json_integer_value(json_object_get(item, "limit"));
		int w = 0;
		while (w < WINDOWS && (!type || strcmp(type, periods[w].name) != 0))
			w++;
		if (w == WINDOWS || value < 1 || value > UINT32_MAX) {
			free(limit);
			return -EINVAL;
		}
		/* Two of one period: the narrower holds. */
		if (limit->limit[w] == 0 || value < limit->limit[w])
			limit->limit[w] = (uint32_t)value;
	}
	*ret = limit;
	return 0;
}

void rate_limit_free(struct rate_limit *limit)
{
	free(limit);
}

static bool is_live(const struct rate_limit *limit, const struct slot *slot, uint64_t now_ms)
{
	for (int w = 0; w < WINDOWS; w++)
		if (limit->limit[w] > 0 && slot->window[w] == now_ms / periods[w].ms + 1)
			return true;
	return false;
}

static struct slot *find_slot(struct rate_limit *limit, const uint8_t key[ADDR_SOURCE_BYTES],
			      uint64_t now_ms)
{
	struct slot *expired = NULL, *slot = NULL;
	size_t start = (size_t)siphash(&limit->key, key, ADDR_SOURCE_BYTES);

	for (size_t i = 0; i < PROBES; i++) {
		slot = &limit->slots[(start + i) & (SLOTS - 1)];
		if (!is_live(limit, slot, now_ms))
			expired = expired ? expired : slot;
		else if (memcmp(slot->source, key, ADDR_SOURCE_BYTES) == 0)
			return slot;
	}
	if (!expired)
		return slot;
	memset(expired, 0, sizeof(*expired));
	memcpy(expired->source, key, ADDR_SOURCE_BYTES);
	return expired;
}

bool rate_limit_admit(struct rate_limit *limit, const struct addr *source, uint64_t now_ms)
{
	uint8_t key[ADDR_SOURCE_BYTES];
	bool admitted = true;

	if (!limit)
		return true;
	addr_source(source, key);
	struct slot *slot = find_slot(limit, key, now_ms);
	for (int w = 0; w < WINDOWS; w++) {
		uint64_t window = now_ms / periods[w].ms + 1;
		if (slot->window[w] != window)
			slot->count[w] = 0;
		slot->window[w] = window;
		if (limit->limit[w] > 0 && slot->count[w] >= limit->limit[w])
			admitted = false;
	}
	/* What is refused by one window does not use up another. */
	for (int w = 0; w < WINDOWS && admitted; w++)
		slot->count[w]++;
	return admitted;
}
