/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the control thread: what both roles have, and what each adds. */
#pragma once

#include "common/dns/resolver.h"
#include "common/jsonrpc/client.h"
#include "common/jsonrpc/server.h"
#include "user/control/control.h"
#include "user/mail/crew.h"
#include "user/store/announcements.h"
#include "user/store/role.h"

#include <event2/event.h>

struct role_ops {
	enum proxy_role role;
	const char *section; /* of the settings */
	/* Makes control->role. On failure -errno, maybe *ret_error. */
	int (*open)(struct control *control, char **ret_error);
	void (*free)(struct control *control); /* takes a role that is NULL */
	void (*brief)(
		struct control *control); /* workers, before their first connection; or NULL */
	void (*start)(struct control *control);
	void (*stop)(struct control *control); /* nothing new on its own any more */
	void (*call)(struct control *control, struct jsonrpc_call *call);
	void (*mail)(struct control *control, struct mail *mail); /* takes it */
	void (*changed)(struct control *control);                 /* announcements have expired */
	bool (*busy)(const struct control *control);
};

struct control {
	const struct role_ops *ops;
	void *role;
	json_t *tree;        /* a reference on the whole settings */
	const json_t *block; /* of them, the section of this role */
	const char *name;    /* own operator */
	struct event_base *base;
	struct resolver *resolver;
	struct mailbox *box;
	struct crew crew;
	struct announcements *announcements;
	struct jsonrpc_client *client;
	struct jsonrpc_server *server;
	struct event *mail, *interrupt, *terminate, *sweep, *quiet;
	bool sweep_failed;
	bool stopping;
	unsigned quiet_turns, turns_left;
};

/* For mail that this role does not expect. Takes it. */
void control_stray_mail(struct mail *mail);
