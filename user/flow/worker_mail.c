// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/worker_mail.h"

#include "common/base/cleanup.h"
#include "user/flow/dial.h"
#include "user/flow/park.h"
#include "user/flow/rendezvous.h"
#include "user/flow/worker.h"
#include "user/flow/worker_config.h"
#include "user/flow/worker_stop.h"
#include "user/mail/routes.h"

static void free_mail(struct mail **mail)
{
	mail_free(*mail);
}

static void take_routes(struct worker *worker, struct mail *mail)
{
	routes_unref(worker->routes);
	worker->routes = TAKE_PTR(mail->u.routes);
}

/* Of those that go on, what has been promised is kept also on the way out. */
static void handle(struct worker *worker, struct mail *taken)
{
	CLEANUP(free_mail) struct mail *mail = taken;

	switch (mail->type) {
	case MAIL_CONFIG:
		worker_configure(worker, TAKE_PTR(mail->u.config));
		break;
	case MAIL_ROUTES:
		take_routes(worker, mail);
		break;
	case MAIL_NOTICE_REFUSED:
		rendezvous_refused(worker, mail->u.refused.connection, mail->u.refused.reason);
		break;
	case MAIL_DIAL:
		dial_begin(worker, mail); /* also on the way out: its notice has been taken */
		break;
	case MAIL_DIALLED_BACK:
		rendezvous_claimed(worker, TAKE_FD(mail->u.dialled_back.fd),
				   mail->u.dialled_back.token);
		break;
	case MAIL_BORROW:
		park_lend(worker, TAKE_PTR(mail));
		break;
	case MAIL_LENT:
		rendezvous_lent(worker, TAKE_FD(mail->u.dialled_back.fd),
				mail->u.dialled_back.token);
		break;
	case MAIL_RESERVATION:
		if (!worker->stopping)
			park_reserve(worker, mail);
		break;
	case MAIL_PARK:
		if (!worker->stopping)
			dial_ahead(worker, TAKE_PTR(mail));
		break;
	case MAIL_INSIDE:
		dial_answered(worker, mail);
		break;
	case MAIL_NOTICE:
	case MAIL_PARKED:
	case MAIL_UNREACHABLE:
	case MAIL_TOKEN_SHOWN:
	case MAIL_TYPES:
		break; /* not for a worker */
	}
}

void worker_read_mail(struct worker *worker)
{
	struct mail *mail = mailbox_take_all(worker->box);
	struct stop_order order;

	while (mail) {
		struct mail *next = mail->next;

		handle(worker, mail);
		mail = next;
	}
	if (mailbox_take_stop(worker->box, &order))
		worker_stop(worker, &order);
}
