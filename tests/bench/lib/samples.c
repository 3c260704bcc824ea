/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/lib/samples.h"
#include "tests/bench/lib/net.h"

#include <stdlib.h>

void samples_add(struct samples *samples, uint64_t ns)
{
	if (samples->n == samples->room) {
		samples->room = samples->room ? 2 * samples->room : 4096;
		samples->ns = reallocarray(samples->ns, samples->room, sizeof(*samples->ns));
		if (!samples->ns)
			die("out of memory");
	}
	samples->ns[samples->n++] = ns;
}

void samples_done(struct samples *samples)
{
	free(samples->ns);
	*samples = (struct samples){0};
}

static int compare(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* Nearest rank: the smallest sample that is at least as large as this part of all. */
static double at(const struct samples *samples, size_t percent)
{
	size_t rank = (samples->n * percent + 99) / 100;

	return (double)samples->ns[rank ? rank - 1 : 0] / 1e3;
}

json_t *samples_json(struct samples *samples)
{
	if (samples->n == 0)
		return json_null();
	qsort(samples->ns, samples->n, sizeof(*samples->ns), compare);
	return json_pack("{s:f, s:f, s:f, s:f}", "p50", at(samples, 50), "p90", at(samples, 90),
			 "p99", at(samples, 99), "max", at(samples, 100));
}
