// SPDX-License-Identifier: BSD-2-Clause
#include "user/mail/mail.h"

#include "common/loop/socket.h"
#include "user/mail/routes.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct mail *mail_new(enum mail_type type)
{
	struct mail *mail = calloc(1, sizeof(*mail));

	if (!mail)
		return NULL;
	mail->type = type;
	if (type == MAIL_DIALLED_BACK || type == MAIL_LENT)
		mail->u.dialled_back.fd = -1;
	return mail;
}

void mail_free(struct mail *mail)
{
	if (!mail)
		return;
	switch (mail->type) {
	case MAIL_ROUTES:
		routes_unref(mail->u.routes);
		break;
	case MAIL_DIALLED_BACK:
	case MAIL_LENT:
		if (mail->u.dialled_back.fd >= 0) {
			/* Nobody has taken it: as dial_back.c does. */
			socket_reset_on_close(mail->u.dialled_back.fd);
			close(mail->u.dialled_back.fd);
		}
		break;
	case MAIL_NOTICE:
	case MAIL_BORROW:
	case MAIL_NOTICE_REFUSED:
	case MAIL_PARKED:
	case MAIL_UNREACHABLE:
	case MAIL_TOKEN_SHOWN:
	case MAIL_DIAL:
	case MAIL_RESERVATION:
	case MAIL_PARK:
	case MAIL_INSIDE:
	case MAIL_STOP:
		break;
	}
	/* Some of it is tokens, which nobody shall find in freed memory. */
	explicit_bzero(mail, sizeof(*mail));
	free(mail);
}
