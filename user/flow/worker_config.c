// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/worker_config.h"

#include "user/flow/park.h"
#include "user/flow/sources.h"
#include "user/flow/waiting.h"
#include "user/flow/worker.h"

/* Of a limit for all workers, among whom connections spread evenly. */
static uint32_t share(const struct worker *worker, uint32_t limit)
{
	return (limit + worker->all->n - 1) / worker->all->n;
}

void worker_configure(struct worker *worker, const struct config *config)
{
	const struct config *before = worker->config;

	worker->config = config;
	worker->plane.settings = &config->plane;
	worker->most_dial_backs = share(worker, config->dial_backs);
	waiting_room_limit(worker->waiting, share(worker, config->pending),
			   share(worker, config->pending_per_operator));
	parking_limit(worker->parking, share(worker, config->parked),
		      share(worker, config->parked_per_operator));
	sources_limit(worker->all->sources, config->half_open_per_source, config->half_open);
	config_unref(before);
}
