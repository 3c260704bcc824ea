// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/rate_gate.h"

#include "common/base/clock.h"
#include "common/loop/timer.h"
#include "common/net/rate_limit.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct rate_gate {
	pthread_mutex_t lock;
	struct rate_limit *limit;
};

int rate_gate_new(const json_t *settings, struct rate_gate **ret)
{
	struct rate_limit *limit = NULL;

	int r = rate_limit_new(settings, &limit);
	if (r < 0)
		return r;
	if (!limit) {
		*ret = NULL;
		return 0;
	}
	struct rate_gate *gate = calloc(1, sizeof(*gate));
	if (!gate) {
		rate_limit_free(limit);
		return -ENOMEM;
	}
	pthread_mutex_init(&gate->lock, NULL);
	gate->limit = limit;
	*ret = gate;
	return 0;
}

void rate_gate_free(struct rate_gate *gate)
{
	if (!gate)
		return;
	pthread_mutex_destroy(&gate->lock);
	rate_limit_free(gate->limit);
	free(gate);
}

bool rate_gate_admit(struct rate_gate *gate, const struct addr *source)
{
	uint64_t now_ms = clock_now() / NS_PER_MS;

	pthread_mutex_lock(&gate->lock);
	bool admitted = rate_limit_admit(gate->limit, source, now_ms);
	pthread_mutex_unlock(&gate->lock);
	return admitted;
}
