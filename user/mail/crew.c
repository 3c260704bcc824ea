// SPDX-License-Identifier: BSD-2-Clause
#include "user/mail/crew.h"

#include "user/mail/config.h"

#include <errno.h>

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
	for (unsigned i = 0; i < crew->n; i++)
		mailbox_stop(crew->boxes[i], grace_ms, dismissed);
}

/* First all of them, then off with them: no worker has other settings than the next. */
int crew_configure(struct crew *crew, const struct config *config)
{
	struct mail *made = NULL, *mail;
	unsigned n = 0;

	while (n < crew->n && (mail = mail_new(MAIL_CONFIG))) {
		mail->u.config = config_ref(config);
		mail->next = made;
		made = mail;
		n++;
	}
	bool complete = n == crew->n;
	for (unsigned i = 0; (mail = made); i++) {
		made = mail->next;
		if (complete)
			crew_mail(crew, i, mail);
		else
			mail_free(mail);
	}
	return complete ? 0 : -ENOMEM;
}
