/* SPDX-License-Identifier: BSD-2-Clause */
/* A rate limit that the workers of one listener share. Its lock covers a look-up, never I/O. */
#pragma once

#include "common/base/addr.h"

#include <jansson.h>

struct rate_gate;

/* From a checked `tcp_rate_limits` list; *ret is NULL when there is none. -errno. */
int rate_gate_new(const json_t *settings, struct rate_gate **ret);
void rate_gate_free(struct rate_gate *gate);
bool rate_gate_admit(struct rate_gate *gate, const struct addr *source);
