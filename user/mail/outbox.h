/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker's mail to the control thread. What only keeps counts up to date
 * waits for company: each waking of that thread costs more than the mail does.
 */
#pragma once

#include "common/loop/timer.h"
#include "user/mail/mailbox.h"

struct outbox {
	struct mailbox *to;
	struct timers *timers;
	struct mail *first, *last;
	struct timer flush;
};

void outbox_init(struct outbox *outbox, struct mailbox *to, struct timers *timers);
/* Puts in what has been waiting. */
void outbox_flush(struct outbox *outbox);
/* Frees what has been waiting. */
void outbox_clear(struct outbox *outbox);

/* Both take the mail, and keep the order in which they were called. */
void outbox_put(struct outbox *outbox, struct mail *mail);
/* Within milliseconds, or with the next that is urgent. */
void outbox_put_later(struct outbox *outbox, struct mail *mail);
