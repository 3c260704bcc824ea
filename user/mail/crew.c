// SPDX-License-Identifier: BSD-2-Clause
#include "user/mail/crew.h"

#include "common/base/log.h"

void crew_mail(struct crew *crew, unsigned worker, struct mail *mail)
{
	if (worker < crew->n)
		mailbox_put(crew->boxes[worker], mail);
	else
		mail_free(mail);
}

void crew_mail_next(struct crew *crew, struct mail *mail)
{
	if (crew->n > 0)
		crew->next = (crew->next + 1) % crew->n;
	crew_mail(crew, crew->next, mail);
}

void crew_stop(struct crew *crew, unsigned grace_ms, bool dismissed)
{
	for (unsigned i = 0; i < crew->n; i++) {
		struct mail *mail = mail_new(MAIL_STOP);

		if (!mail) {
			log_error("worker %u cannot be told to stop: out of memory", i);
			continue;
		}
		mail->u.stop.grace_ms = grace_ms;
		mail->u.stop.dismissed = dismissed;
		crew_mail(crew, i, mail);
	}
}
