/* SPDX-License-Identifier: BSD-2-Clause */
/* The workers as the control thread sees them: somebody to send mail to. */
#pragma once

#include "user/mail/mailbox.h"

struct crew {
	struct mailbox **boxes; /* not owned */
	unsigned n;
	unsigned next;
};

/* Both take the mail; without a worker to get it, it is freed. */
void crew_mail(struct crew *crew, unsigned worker, struct mail *mail);
void crew_mail_next(struct crew *crew, struct mail *mail); /* to each in turn */

/* All of them: open connections may go on for so long, or what is left of an earlier, shorter time.
 * Only those that are dismissed end after that: no mail may follow. Needs no memory. */
void crew_stop(struct crew *crew, unsigned grace_ms, bool dismissed);

/* All of them get a reference to this config, or none does. -ENOMEM. */
int crew_configure(struct crew *crew, const struct config *config);
