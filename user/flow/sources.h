/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many half-open connections a source has: an IPv4 address, or the /64 of
 * an IPv6 one. A table of fixed size with atomic counters, keyed by a random
 * hash; two sources in one place share their allowance, which is rare and
 * harmless, and no worker ever waits for another.
 */
#pragma once

#include "common/base/addr.h"

#include <stdint.h>

struct sources;

struct sources *sources_new(uint32_t most_per_source, uint32_t most); /* NULL: out of memory */
/* Other limits, for those who come. Any thread. */
void sources_limit(struct sources *sources, uint32_t most_per_source, uint32_t most);
void sources_free(struct sources *sources);

/*
 * Count one more; *ret is what sources_leave() takes. Over a limit nothing is
 * counted: -EUSERS all together have too many, -EDQUOT this source has.
 */
int sources_enter(struct sources *sources, const struct addr *source, uint32_t *ret);
void sources_leave(struct sources *sources, uint32_t place);
