// SPDX-License-Identifier: BSD-2-Clause
#include "user/crew.h"
#include "user/worker.h"

void crew_mail(struct crew *crew, unsigned worker, struct mail *mail)
{
	if (worker < crew->n)
		worker_mail(crew->workers[worker], mail);
	else
		mail_free(mail);
}

void crew_mail_next(struct crew *crew, struct mail *mail)
{
	if (crew->n > 0)
		crew->next = (crew->next + 1) % crew->n;
	crew_mail(crew, crew->next, mail);
}
