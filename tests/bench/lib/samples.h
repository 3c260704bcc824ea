/* SPDX-License-Identifier: BSD-2-Clause */
/* Times that were measured, and their percentiles. */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct samples {
	uint64_t *ns;
	size_t n, room;
};

void samples_add(struct samples *samples, uint64_t ns); /* out of memory ends the program */
void samples_done(struct samples *samples);

/* {"p50": µs, "p90": …, "p99": …, "max": …}, or null if there are none. Sorts the samples. */
json_t *samples_json(struct samples *samples);
