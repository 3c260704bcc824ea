// SPDX-License-Identifier: BSD-2-Clause
#include "user/private/keeper.h"

#include "common/base/log.h"
#include "user/private/lot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct lot *find(const struct keeper *keeper, const char *name)
{
	struct lot *lot;

	LIST_FOREACH(lot, &keeper->lots, entry) {
		if (strcmp(lot->name, name) == 0)
			return lot;
	}
	return NULL;
}

int keeper_new(struct event_base *base, struct private_service *service,
	       const struct keeper_settings *settings, struct keeper **ret)
{
	struct keeper *keeper = calloc(1, sizeof(*keeper));

	if (!keeper)
		return -ENOMEM;
	keeper->base = base;
	keeper->service = service;
	keeper->settings = *settings;
	LIST_INIT(&keeper->lots);
	*ret = keeper;
	return 0;
}

void keeper_free(struct keeper *keeper)
{
	if (!keeper)
		return;
	for (struct lot *lot; (lot = LIST_FIRST(&keeper->lots));) {
		LIST_REMOVE(lot, entry);
		lot_free(lot);
	}
	free(keeper);
}

void keeper_stop(struct keeper *keeper)
{
	struct lot *lot;

	keeper->stopped = true;
	LIST_FOREACH(lot, &keeper->lots, entry) {
		event_del(lot->timer);
		event_del(lot->calm);
	}
}

void keeper_accepted(const char *proxy, void *arg)
{
	struct keeper *keeper = arg;
	struct lot *lot = find(keeper, proxy);

	if (keeper->settings.max == 0 || keeper->stopped)
		return;
	if (!lot) {
		if (lot_new(keeper, proxy, &lot) < 0) {
			log_error("no connections are parked at public proxy %s: out of memory",
				  proxy);
			return;
		}
		LIST_INSERT_HEAD(&keeper->lots, lot, entry);
	}
	lot_accepted(lot);
}

void keeper_parked(struct keeper *keeper, const struct mail *mail)
{
	struct lot *lot = find(keeper, mail->u.parked.operator);

	if (!lot)
		return;
	switch (mail->u.parked.condition) {
	case PARKED_WAITING:
		lot_came(lot, mail->u.parked.worker, mail->u.parked.connection);
		break;
	case PARKED_LOST:
		lot_lost(lot, mail->u.parked.worker, mail->u.parked.connection);
		break;
	case PARKED_TAKEN:
		lot_taken(lot, mail->u.parked.worker, mail->u.parked.connection);
		break;
	}
}

unsigned keeper_waiting(const struct keeper *keeper, const char *proxy)
{
	const struct lot *lot = find(keeper, proxy);

	return lot ? lot->demand.waiting : 0;
}

unsigned keeper_target(const struct keeper *keeper, const char *proxy)
{
	const struct lot *lot = find(keeper, proxy);

	return lot ? lot->demand.target : 0;
}
