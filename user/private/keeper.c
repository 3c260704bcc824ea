// SPDX-License-Identifier: BSD-2-Clause
#include "user/private/keeper.h"

#include "common/base/container_of.h"
#include "common/base/log.h"
#include "user/private/lot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct lot *of(const struct table_link *link)
{
	return container_of(link, struct lot, link);
}

static bool same(const struct table_link *link, const void *name)
{
	return strcmp(of(link)->name, name) == 0;
}

static struct lot *find(const struct keeper *keeper, const char *name)
{
	struct table_link *link =
		table_find(&keeper->lots, table_hash_string(&keeper->lots, name), same, name);

	return link ? of(link) : NULL;
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
	table_init(&keeper->lots);
	*ret = keeper;
	return 0;
}

void keeper_free(struct keeper *keeper)
{
	struct table_link *link, *next;

	if (!keeper)
		return;
	TABLE_FOREACH(link, next, &keeper->lots)
		lot_free(of(link));
	table_clear(&keeper->lots);
	free(keeper);
}

void keeper_stop(struct keeper *keeper)
{
	struct table_link *link, *next;

	keeper->stopped = true;
	TABLE_FOREACH(link, next, &keeper->lots) {
		event_del(of(link)->timer);
		event_del(of(link)->calm);
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
		table_add(&keeper->lots, &lot->link, table_hash_string(&keeper->lots, proxy));
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
