// SPDX-License-Identifier: BSD-2-Clause
#include "user/mail/mail.h"

#include "common/loop/socket.h"
#include "user/mail/config.h"
#include "user/mail/routes.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE(body) (offsetof(struct mail, u) + sizeof(((struct mail *)NULL)->u.body))

static const uint32_t sizes[MAIL_TYPES] = {
	[MAIL_NOTICE] = SIZE(notice),           [MAIL_PARKED] = SIZE(parked),
	[MAIL_UNREACHABLE] = SIZE(unreachable), [MAIL_TOKEN_SHOWN] = SIZE(shown),
	[MAIL_CONFIG] = SIZE(config),           [MAIL_ROUTES] = SIZE(routes),
	[MAIL_NOTICE_REFUSED] = SIZE(refused),  [MAIL_DIAL] = SIZE(dial),
	[MAIL_RESERVATION] = SIZE(reservation), [MAIL_PARK] = SIZE(park),
	[MAIL_INSIDE] = SIZE(inside),           [MAIL_DIALLED_BACK] = SIZE(dialled_back),
	[MAIL_BORROW] = SIZE(notice),           [MAIL_LENT] = SIZE(dialled_back),
};

/* What goes with every connection, beside its names. */
static_assert(SIZE(notice) <= 96, "a notice is small");
static_assert(SIZE(parked) <= 64, "news of a parked connection is small");
static_assert(SIZE(shown) <= 64, "a token that was shown is small");
static_assert(SIZE(reservation) <= 96, "a reservation is small");
static_assert(SIZE(dialled_back) <= 64, "a dial-back is small");
static_assert(SIZE(dialled_back) <= SIZE(notice), "MAIL_BORROW can become MAIL_LENT");
static_assert(SIZE(parked) <= SIZE(park), "MAIL_PARK can become MAIL_PARKED");

uint32_t mail_size(enum mail_type type)
{
	return sizes[type];
}

/* Where this kind keeps its operator, and its domain; NULL: nowhere. */
static const char **name_of(struct mail *mail)
{
	switch (mail->type) {
	case MAIL_NOTICE:
	case MAIL_BORROW:
		return &mail->u.notice.operator;
	case MAIL_PARKED:
		return &mail->u.parked.operator;
	case MAIL_DIAL:
		return &mail->u.dial.operator;
	case MAIL_UNREACHABLE:
		return &mail->u.unreachable.operator;
	case MAIL_TOKEN_SHOWN:
		return &mail->u.shown.operator;
	case MAIL_RESERVATION:
		return &mail->u.reservation.operator;
	case MAIL_PARK:
		return &mail->u.park.operator;
	default:
		return NULL;
	}
}

static const char **domain_of(struct mail *mail)
{
	switch (mail->type) {
	case MAIL_NOTICE:
	case MAIL_BORROW:
		return &mail->u.notice.domain;
	case MAIL_PARKED:
		return &mail->u.parked.domain;
	case MAIL_UNREACHABLE:
		return &mail->u.unreachable.domain;
	case MAIL_DIAL:
		return &mail->u.dial.domain;
	default:
		return NULL;
	}
}

static void append(const char **place, char **end, const char *text)
{
	size_t size = strlen(text) + 1;

	if (place)
		*place = memcpy(*end, text, size);
	*end += size;
}

static void clear_descriptor(struct mail *mail)
{
	if (mail->type == MAIL_DIALLED_BACK || mail->type == MAIL_LENT)
		mail->u.dialled_back.fd = -1;
}

/* The names stand behind the body. */
struct mail *mail_new_named(enum mail_type type, const char *name, const char *domain)
{
	size_t size = sizes[type] + strlen(name) + strlen(domain) + 2;
	struct mail *mail = calloc(1, size);

	if (!mail)
		return NULL;
	mail->type = type;
	mail->size = (uint32_t)size;
	char *end = (char *)mail + sizes[type];
	append(name_of(mail), &end, name);
	append(domain_of(mail), &end, domain);
	clear_descriptor(mail);
	return mail;
}

struct mail *mail_new(enum mail_type type)
{
	return mail_new_named(type, "", "");
}

void mail_turn(struct mail *mail, enum mail_type type)
{
	if (sizes[type] > mail->size)
		abort(); /* a bug, which the assertions above are to find first */
	const char **place = name_of(mail), *name = place ? *place : "";
	place = domain_of(mail);
	const char *domain = place ? *place : "";
	explicit_bzero(&mail->u, sizes[mail->type] - offsetof(struct mail, u));
	mail->type = type;
	place = name_of(mail);
	if (place)
		*place = name;
	place = domain_of(mail);
	if (place)
		*place = domain;
	clear_descriptor(mail);
}

void mail_free(struct mail *mail)
{
	if (!mail)
		return;
	switch (mail->type) {
	case MAIL_CONFIG:
		config_unref(mail->u.config);
		break;
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
	case MAIL_TYPES:
		break;
	}
	/* Some of it is tokens, which nobody shall find in freed memory. */
	explicit_bzero(mail, mail->size);
	free(mail);
}
