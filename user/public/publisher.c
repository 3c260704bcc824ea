// SPDX-License-Identifier: BSD-2-Clause
#include "user/public/publisher.h"

#include "common/base/cleanup.h"
#include "common/base/log.h"
#include "user/mail/routes.h"

#include <errno.h>

struct publisher {
	const struct announcements *announcements;
	struct crew *crew;
	struct event *event;
};

static struct routes *make_routes(const struct announcements *announcements)
{
	const struct announcement_list *all = announcements_list(announcements);
	const struct announcement *item;
	size_t n = 0;

	AUTO_FREE struct route *list =
		calloc(announcements_count(announcements) + 1, sizeof(*list));
	if (!list)
		return NULL;
	TAILQ_FOREACH(item, all, entry) {
		list[n++] = (struct route){
			.domain = item->domain,
			.owner = item->owner,
			.expires_at = item->expires_at,
		};
	}
	return routes_new(list, n);
}

/* False: not all of them have got it. */
static bool mail_routes(struct crew *crew, struct routes *routes)
{
	for (unsigned i = 0; i < crew->n; i++) {
		struct mail *mail = mail_new(MAIL_ROUTES);
		if (!mail)
			return false;
		mail->u.routes = routes_ref(routes);
		crew_mail(crew, i, mail);
	}
	return true;
}

void publisher_publish(struct publisher *publisher)
{
	const struct timeval again = {.tv_sec = 1};
	struct routes *routes = make_routes(publisher->announcements);
	if (!routes || !mail_routes(publisher->crew, routes)) {
		log_error("announcements cannot be given to the workers: out of memory; trying "
			  "again in 1 s");
		event_add(publisher->event, &again);
	}
	routes_unref(routes);
}

static void on_due(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	publisher_publish(arg);
}

int publisher_new(struct event_base *base, const struct announcements *announcements,
		  struct crew *crew, struct publisher **ret)
{
	struct publisher *publisher = calloc(1, sizeof(*publisher));

	if (!publisher)
		return -ENOMEM;
	publisher->announcements = announcements;
	publisher->crew = crew;
	publisher->event = evtimer_new(base, on_due, publisher);
	if (!publisher->event) {
		free(publisher);
		return -ENOMEM;
	}
	*ret = publisher;
	return 0;
}

void publisher_free(struct publisher *publisher)
{
	if (!publisher)
		return;
	event_free(publisher->event);
	free(publisher);
}

void publisher_changed(void *arg)
{
	struct publisher *publisher = arg;

	event_active(publisher->event, EV_TIMEOUT, 1);
}
