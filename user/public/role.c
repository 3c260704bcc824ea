// SPDX-License-Identifier: BSD-2-Clause
#include "user/public/role.h"

#include "common/base/addr.h"
#include "common/base/log.h"
#include "common/settings/settings.h"
#include "user/control/role.h"
#include "user/public/notices.h"
#include "user/public/publisher.h"
#include "user/public/service.h"

#include <errno.h>
#include <string.h>

#define NOTICE_SHARES 4

struct public_role {
	struct public_service service;
	struct notices notices;
	struct publisher *publisher;
};

static void public_free(struct control *control)
{
	struct public_role *role = control->role;

	if (!role)
		return;
	publisher_free(role->publisher);
	notices_clear(&role->notices);
	reservations_free(role->service.reservations);
	free(role);
	control->role = NULL;
}

static struct reservations *make_reservations(const struct control *control, unsigned valid_ms)
{
	const struct reservations_limits limits = {
		.valid_ms = valid_ms,
		.total = (unsigned)settings_integer(control->tree, "limits.parked"),
		.per_operator =
			(unsigned)settings_integer(control->tree, "limits.parked_per_operator"),
	};

	return reservations_new(&limits);
}

/* A part of the connections to the relay, so that private proxies which do not answer cannot hold
 * all of them. */
static unsigned notices_of_one(const struct control *control)
{
	long long all = settings_integer(control->block, "jsonrpc_client.max_connections");

	return all > NOTICE_SHARES ? (unsigned)(all / NOTICE_SHARES) : 1;
}

static int public_open(struct control *control, char **ret_error)
{
	struct public_role *role = calloc(1, sizeof(*role));
	unsigned timeout = (unsigned)settings_integer(control->block, "accept_timeout");

	(void)ret_error;
	if (timeout == 0)
		timeout = 1;
	if (!role)
		return -ENOMEM;
	control->role = role;
	int r = publisher_new(control->base, control->announcements, &control->crew,
			      &role->publisher);
	if (r < 0)
		return r;
	role->service = (struct public_service){
		.name = control->name,
		.announcements = control->announcements,
		.changed = publisher_changed,
		.arg = role->publisher,
		.crew = &control->crew,
		.reservations = make_reservations(control, timeout),
		.endpoint = settings_string(control->block, "internal_endpoint"),
		.valid_ms = timeout,
	};
	if (!role->service.reservations)
		return -ENOMEM;
	role->notices = (struct notices){
		.client = control->client,
		.crew = &control->crew,
		.endpoint = settings_string(control->block, "internal_endpoint"),
		.timeout_ms = timeout,
		.max = (unsigned)settings_integer(control->tree, "limits.pending"),
		.sent_per_line = notices_of_one(control),
	};
	table_init(&role->notices.lines);
	return 0;
}

/* Every private proxy would dial itself. */
static void warn_about_endpoint(const char *endpoint)
{
	char host[ADDR_HOST_MAX + 1];
	uint16_t port;

	if (addr_split(endpoint, host, &port) == 0 &&
	    (host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0))
		log_warn("public.internal_endpoint is %s, which no other machine can dial: give "
			 "it the name or address by which private proxies reach this one",
			 endpoint);
}

/* A client that comes with the listener must not be told that its name is unknown. */
static void public_brief(struct control *control)
{
	struct public_role *role = control->role;

	publisher_publish(role->publisher);
}

static void public_start(struct control *control)
{
	struct public_role *role = control->role;

	warn_about_endpoint(role->notices.endpoint);
	log_info("public proxy %s: %zu announcement(s) known, private proxies are asked to dial "
		 "%s",
		 control->name, announcements_count(control->announcements),
		 role->notices.endpoint);
}

/* No listener is left to dial ahead to. */
static void public_stop(struct control *control)
{
	struct public_role *role = control->role;

	role->service.stopping = true;
}

static void public_call(struct control *control, struct jsonrpc_call *call)
{
	struct public_role *role = control->role;

	public_service_call(&role->service, call);
}

static void public_mail(struct control *control, struct mail *mail)
{
	struct public_role *role = control->role;

	switch (mail->type) {
	case MAIL_NOTICE:
		control->quiet_turns = 0;
		notices_send(&role->notices, mail);
		break;
	case MAIL_TOKEN_SHOWN:
		reservations_shown(role->service.reservations, mail->u.shown.operator);
		mail_free(mail);
		break;
	default:
		control_stray_mail(mail);
	}
}

static void public_changed(struct control *control)
{
	struct public_role *role = control->role;

	publisher_changed(role->publisher);
}

static bool public_busy(const struct control *control)
{
	const struct public_role *role = control->role;

	return role->notices.under_way > 0;
}

const struct role_ops role_public = {
	.role = ROLE_PUBLIC,
	.section = "public",
	.open = public_open,
	.free = public_free,
	.brief = public_brief,
	.start = public_start,
	.stop = public_stop,
	.call = public_call,
	.mail = public_mail,
	.changed = public_changed,
	.busy = public_busy,
};
