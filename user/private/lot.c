// SPDX-License-Identifier: BSD-2-Clause
#include "user/private/lot.h"

#include "common/base/backoff.h"
#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/timestamp.h"
#include "common/loop/timer.h"
#include "user/private/reserve.h"

#include <errno.h>
#include <string.h>

#define BOUNCES_LOGGED 3 /* one or two are no news */

static void schedule(struct event *event, int64_t ms)
{
	const struct timeval delay = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	event_add(event, &delay);
}

/* Ask for what is missing in `ms`. */
static void wait_ms(struct lot *lot, int64_t ms)
{
	if (!lot->keeper->stopped)
		schedule(lot->timer, ms);
}

/*
 * A reservation crosses two relays: asked for one at a time they would cost as
 * much as the rendezvous that they save. So those that are taken within some
 * milliseconds are replaced together, unless half of them are gone already.
 */
static void soon(struct lot *lot)
{
	const struct demand *demand = &lot->demand;
	bool urgent = demand->waiting + lot->dialled <= demand->target / 2;

	if (lot->asked > 0)
		return; /* the end of that attempt looks again */
	if (!evtimer_pending(lot->timer, NULL)) {
		lot->gathering = !urgent;
		wait_ms(lot, urgent ? 0 : lot->keeper->settings.gather);
	} else if (urgent && lot->gathering) {
		lot->gathering = false;
		wait_ms(lot, 0);
	}
}

/* For what is no failure of a call. */
static void back_off(struct lot *lot, unsigned failures)
{
	const struct keeper_settings *settings = &lot->keeper->settings;

	wait_ms(lot, backoff_ms(settings->backoff_min, settings->backoff_max, failures));
}

static void complain(struct lot *lot, const char *problem, const char *what_next)
{
	if (remote_is_news(&lot->remote, problem))
		log_info("no connections are parked at public proxy %s: %s; %s", lot->name, problem,
			 what_next);
}

void lot_forget_directory(struct lot *lot)
{
	json_decref(TAKE_PTR(lot->directory));
	lot->fresh = false;
}

void lot_succeeded(struct lot *lot, unsigned given)
{
	unsigned asked = lot->asked;

	lot->asked = 0;
	lot->fresh = false;
	lot->denied = false;
	if (remote_well(&lot->remote))
		log_info("connections are parked at public proxy %s again", lot->name);
	/* Fewer than we asked for: its limits are reached, and others wait, too. */
	if (given < asked)
		back_off(lot, 1);
	else if (lot_missing(lot) > 0)
		soon(lot);
}

/* Not a line in the log each time: under load it comes and goes. */
void lot_full(struct lot *lot)
{
	log_debug("public proxy %s has no room for more parked connections", lot->name);
	lot->asked = 0;
	wait_ms(lot, remote_failed(&lot->remote, clock_now_ms()));
}

void lot_failed(struct lot *lot, const char *problem)
{
	lot->asked = 0;
	lot_forget_directory(lot);
	complain(lot, problem, "trying again");
	wait_ms(lot, remote_failed(&lot->remote, clock_now_ms()));
}

void lot_refused(struct lot *lot, const char *problem, bool for_good)
{
	lot->asked = 0;
	lot->denied = for_good;
	lot_forget_directory(lot);
	complain(lot, problem, "asking again in some minutes");
	wait_ms(lot, lot->keeper->settings.refused);
}

void lot_accepted(struct lot *lot)
{
	if (!lot->denied || !evtimer_pending(lot->timer, NULL))
		wait_ms(lot, 0);
}

unsigned lot_missing(const struct lot *lot)
{
	unsigned have = lot->demand.waiting + lot->dialled + lot->asked;

	return have < lot->demand.target ? lot->demand.target - have : 0;
}

/* Without an announcement that is in force there, it would refuse us. */
static bool wanted(const struct lot *lot)
{
	const struct group_member *member;
	int64_t now = timestamp_now();

	TAILQ_FOREACH(member,
		      announcements_at_proxy(lot->keeper->service->announcements, lot->name),
		      entry) {
		if (member->item->accepted && !announcement_expired(member->item, now))
			return true;
	}
	return false;
}

static void turn(evutil_socket_t fd, short events, void *arg)
{
	struct lot *lot = arg;

	(void)fd;
	(void)events;
	lot->gathering = false;
	/* The end of the attempt under way looks for what is missing by itself. */
	if (lot->keeper->stopped || lot->asked > 0 || lot_missing(lot) == 0 || !wanted(lot))
		return;
	reserve_begin(lot);
}

static void calm(evutil_socket_t fd, short events, void *arg)
{
	struct lot *lot = arg;

	(void)fd;
	(void)events;
	if (demand_calm(&lot->demand))
		schedule(lot->calm, lot->keeper->settings.calm);
}

void lot_came(struct lot *lot, unsigned worker, uint64_t connection)
{
	if (lot->dialled > 0)
		lot->dialled--;
	if (lot->demand.waiting >= lot->keeper->settings.max)
		return; /* not one of those that we asked for */
	lot->parked[lot->demand.waiting] =
		(struct parked_connection){worker, connection, clock_now_ms()};
	demand_came(&lot->demand);
}

static struct parked_connection *find(const struct lot *lot, unsigned worker, uint64_t connection)
{
	for (unsigned i = 0; i < lot->demand.waiting; i++)
		if (lot->parked[i].worker == worker && lot->parked[i].connection == connection)
			return &lot->parked[i];
	return NULL;
}

/* The last one moves to where it was; the demand's count is not yet lowered. */
static void clear(struct lot *lot, struct parked_connection *one)
{
	*one = lot->parked[lot->demand.waiting - 1];
}

void lot_taken(struct lot *lot, unsigned worker, uint64_t connection)
{
	struct parked_connection *one = find(lot, worker, connection);

	if (!one)
		return;
	clear(lot, one);
	lot->bounces = 0;
	if (demand_taken(&lot->demand)) {
		log_debug("%u connections are to be parked at public proxy %s", lot->demand.target,
			  lot->name);
		if (!lot->keeper->stopped && !evtimer_pending(lot->calm, NULL))
			schedule(lot->calm, lot->keeper->settings.calm);
	}
	soon(lot);
}

/* Those that are lost together count once. */
static void bounced(struct lot *lot)
{
	if (lot->keeper->stopped || evtimer_pending(lot->timer, NULL))
		return;
	if (++lot->bounces == BOUNCES_LOGGED)
		log_info("connections that are dialled ahead to public proxy %s fail, or end soon; "
			 "trying more rarely",
			 lot->name);
	back_off(lot, lot->bounces);
}

void lot_lost(struct lot *lot, unsigned worker, uint64_t connection)
{
	struct parked_connection *one = find(lot, worker, connection);

	if (!one) {
		if (lot->dialled > 0)
			lot->dialled--;
		/* It may have moved. */
		if (lot->endpoint)
			resolver_refused(lot->keeper->service->resolver, lot->endpoint);
		bounced(lot);
		return;
	}
	bool steady = clock_now_ms() - one->since >= lot->keeper->settings.steady;
	clear(lot, one);
	demand_lost(&lot->demand);
	if (steady) {
		/* It was time to renew it, or the public proxy has gone, as the next call tells. */
		lot->bounces = 0;
		soon(lot);
	} else {
		bounced(lot);
	}
}

int lot_new(struct keeper *keeper, const char *name, struct lot **ret)
{
	const struct remote_pace pace = {
		.min = keeper->settings.backoff_min,
		.max = keeper->settings.backoff_max,
	};
	struct lot *lot = calloc(1, sizeof(*lot));

	if (!lot)
		return -ENOMEM;
	lot->keeper = keeper;
	remote_init(&lot->remote, &pace, true);
	lot->name = strdup(name);
	lot->parked = calloc(keeper->settings.max, sizeof(*lot->parked));
	lot->timer = evtimer_new(keeper->base, turn, lot);
	lot->calm = evtimer_new(keeper->base, calm, lot);
	if (!lot->name || !lot->parked || !lot->timer || !lot->calm) {
		lot_free(lot);
		return -ENOMEM;
	}
	demand_init(&lot->demand, keeper->settings.min, keeper->settings.max);
	*ret = lot;
	return 0;
}

void lot_free(struct lot *lot)
{
	if (lot->timer)
		event_free(lot->timer);
	if (lot->calm)
		event_free(lot->calm);
	json_decref(lot->directory);
	remote_clear(&lot->remote);
	free(lot->endpoint);
	free(lot->parked);
	free(lot->name);
	free(lot);
}
