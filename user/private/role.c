// SPDX-License-Identifier: BSD-2-Clause
#include "user/private/role.h"

#include "common/base/log.h"
#include "common/base/timestamp.h"
#include "common/settings/settings.h"
#include "user/control/role.h"
#include "user/private/announcer.h"
#include "user/private/keeper.h"
#include "user/private/service.h"
#include "user/private/taken.h"

#include <errno.h>

struct private_role {
	struct private_service service;
	struct announcer *announcer;
	struct keeper *keeper;
};

static void private_free(struct control *control)
{
	struct private_role *role = control->role;

	if (!role)
		return;
	announcer_free(role->announcer);
	keeper_free(role->keeper);
	free(role);
	control->role = NULL;
}

static int add_announcement(struct control *control, const json_t *announcement)
{
	const char *until = settings_string(announcement, "expires_at");
	const json_t *proxy;
	int64_t expires_at = 0;
	size_t i;

	if (until && timestamp_parse(until, &expires_at) < 0)
		return -EINVAL;
	json_array_foreach((json_t *)settings_get(announcement, "proxies"), i, proxy) {
		struct stored record = {
			.domain = settings_string(announcement, "domain"),
			.proxy = json_string_value(proxy),
			.owner = control->name,
			.expires_at = expires_at,
		};
		int r = announcements_add_fixed(control->announcements, &record,
						settings_string(announcement, "internal_address"));
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_announcements(struct control *control)
{
	const json_t *announcement;
	size_t i;

	json_array_foreach((json_t *)settings_get(control->block, "announcements"), i,
			   announcement) {
		int r = add_announcement(control, announcement);
		if (r < 0)
			return r;
	}
	return 0;
}

static int make_keeper(struct control *control, struct private_role *role)
{
	const struct keeper_settings settings = {
		KEEPER_TIMES,
		.min = (unsigned)settings_integer(control->block, "parked.min"),
		.max = (unsigned)settings_integer(control->block, "parked.max"),
	};

	int r = keeper_new(control->base, &role->service, &settings, &role->keeper);
	if (r == 0)
		announcer_on_accepted(role->announcer, keeper_accepted, role->keeper);
	return r;
}

static int private_open(struct control *control, char **ret_error)
{
	struct private_role *role = calloc(1, sizeof(*role));

	(void)ret_error;
	if (!role)
		return -ENOMEM;
	control->role = role;
	int r = add_announcements(control);
	if (r == 0)
		r = announcer_new(control->base, control->name, control->client,
				  control->announcements, &role->announcer);
	if (r < 0)
		return r;
	role->service = (struct private_service){
		.name = control->name,
		.announcements = control->announcements,
		.client = control->client,
		.announcer = role->announcer,
		.resolver = control->resolver,
		.crew = &control->crew,
		.internal_address = settings_string(control->block, "internal_endpoint.address"),
		.public_proxies = settings_get(control->block, "public_proxies"),
		.max_calls = (unsigned)settings_integer(control->tree, "limits.pending"),
		.max_dials = (unsigned)settings_integer(control->tree, "limits.pending"),
	};
	return make_keeper(control, role);
}

static void private_start(struct control *control)
{
	struct private_role *role = control->role;
	const struct announcement *item;
	size_t n = 0;

	TAILQ_FOREACH(item, announcements_list(control->announcements), entry) {
		n++;
	}
	log_info("private proxy %s: %zu announcement(s) to make, connections lead to %s",
		 control->name, n, role->service.internal_address);
	announcer_start(role->announcer);
}

static void private_stop(struct control *control)
{
	struct private_role *role = control->role;

	role->service.stopping = true;
	announcer_stop(role->announcer);
	keeper_stop(role->keeper);
}

static void private_call(struct control *control, struct jsonrpc_call *call)
{
	struct private_role *role = control->role;

	private_service_call(&role->service, call);
}

/* Who waits for an answer comes first. */
static void private_mail(struct control *control, struct mail *mail)
{
	struct private_role *role = control->role;

	if (mail->type == MAIL_UNREACHABLE) {
		private_unreachable(&role->service, mail);
		mail_free(mail);
		return;
	}
	if (mail->type != MAIL_PARKED) {
		control_stray_mail(mail);
		return;
	}
	if (mail->u.parked.condition == PARKED_TAKEN && *mail->u.parked.domain) {
		control->quiet_turns = 0;
		private_taken(&role->service, mail);
	}
	keeper_parked(role->keeper, mail);
	mail_free(mail);
}

/* The public proxy knows the time of expiry too. */
static void private_changed(struct control *control)
{
	(void)control;
}

static bool private_busy(const struct control *control)
{
	const struct private_role *role = control->role;

	return role->service.calls > 0 || role->service.dials > 0;
}

const struct role_ops role_private = {
	.role = ROLE_PRIVATE,
	.section = "private",
	.open = private_open,
	.free = private_free,
	.start = private_start,
	.stop = private_stop,
	.call = private_call,
	.mail = private_mail,
	.changed = private_changed,
	.busy = private_busy,
};
