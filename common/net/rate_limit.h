/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many connections one source may open in a second, minute or hour. Each
 * listener has its own. Memory is fixed: sources that do not fit share a
 * counter.
 */
#pragma once

#include "common/base/addr.h"

#include <jansson.h>

struct rate_limit;

/*
 * From a checked `tcp_rate_limits` list; *ret is NULL, which allows
 * everything, if it is absent or empty. -ENOMEM, or -EINVAL for a list that is
 * none.
 */
int rate_limit_new(const json_t *settings, struct rate_limit **ret);
void rate_limit_free(struct rate_limit *limit);

/*
 * Count one connection from `source` (IPv6: its /64), `now_ms` by any clock
 * that never goes back. False: over the limit.
 */
bool rate_limit_admit(struct rate_limit *limit, const struct addr *source, uint64_t now_ms);
