/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control thread of a proxy: JSON-RPC to and from its relay,
 * announcements, notices. Workers reach it only by mail and never wait for
 * it.
 */
#pragma once

#include "user/mail/mailbox.h"

#include <jansson.h>

struct control;
struct role_ops;

/*
 * `settings`: the whole checked tree, which has a section for this role. Starts
 * nothing yet but opens the datastore and binds the JSON-RPC server. On failure
 * a negative errno and *ret_error (caller frees).
 */
int control_new(const json_t *settings, const struct role_ops *ops, struct control **ret,
		char **ret_error);
struct mailbox *control_mailbox(struct control *control);
/*
 * Where routes, dials and refusals go; not owned. Before control_run(), and
 * before the workers run: what they have to know first is mailed to them.
 */
void control_set_workers(struct control *control, struct mailbox **boxes, unsigned n);
/* Runs until SIGINT or SIGTERM, or until control_stop(). */
int control_run(struct control *control);
/* As SIGTERM. Any thread; needs no memory. */
void control_stop(struct control *control);
void control_free(struct control *control);
