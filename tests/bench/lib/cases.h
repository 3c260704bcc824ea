/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the load generator can do. Each case writes {"event":"start"} when its
 * measurement begins and its result when it ends, a line of JSON each, so that
 * whoever reads them can account the processor time between the two.
 */
#pragma once

#include "tests/bench/lib/link.h"

#include <jansson.h>
#include <stdbool.h>

struct load {
	struct target target;
	unsigned connections;
	double seconds, warmup;
	unsigned size; /* of a request and of an answer, bytes */
	bool up;       /* direction of bulk data */
};

void case_connect(const struct load *load);
void case_ping(const struct load *load);
void case_bulk(const struct load *load);
void case_hold(const struct load *load);

void say(json_t *json); /* one line; takes the reference */
void say_start(void);
