// SPDX-License-Identifier: BSD-2-Clause
#include "user/mail/outbox.h"

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/loop/watch.h"

#include <stddef.h>

#define WAIT (2 * NS_PER_MS)

static void on_flush(struct timer *timer)
{
	outbox_flush(container_of(timer, struct outbox, flush));
}

void outbox_init(struct outbox *outbox, struct mailbox *to, struct timers *timers)
{
	*outbox = (struct outbox){.to = to, .timers = timers};
	outbox->flush.fire = on_flush;
}

static void append(struct outbox *outbox, struct mail *mail)
{
	mail->next = NULL;
	if (outbox->first)
		outbox->last->next = mail;
	else
		outbox->first = mail;
	outbox->last = mail;
}

void outbox_flush(struct outbox *outbox)
{
	struct mail *first = TAKE_PTR(outbox->first);

	timer_disarm(outbox->timers, &outbox->flush);
	if (first)
		mailbox_put_list(outbox->to, first, outbox->last);
}

void outbox_clear(struct outbox *outbox)
{
	struct mail *mail;

	timer_disarm(outbox->timers, &outbox->flush);
	while ((mail = outbox->first)) {
		outbox->first = mail->next;
		mail_free(mail);
	}
}

void outbox_put(struct outbox *outbox, struct mail *mail)
{
	append(outbox, mail);
	outbox_flush(outbox);
}

void outbox_put_later(struct outbox *outbox, struct mail *mail)
{
	append(outbox, mail);
	if (!outbox->flush.armed)
		timer_arm(outbox->timers, &outbox->flush, clock_now() + WAIT);
}
