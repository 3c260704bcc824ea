// SPDX-License-Identifier: BSD-2-Clause
#include "user/private/taken.h"

#include "common/base/cleanup.h"
#include "common/base/domain.h"
#include "common/base/escape.h"
#include "common/base/log.h"
#include "user/private/target.h"

#include <stdio.h>
#include <string.h>

/* Until the internal address is resolved. */
struct taken {
	struct private_service *service;
	struct mail *answer; /* MAIL_INSIDE; without addresses it is a refusal */
	unsigned worker;
	char domain[DOMAIN_MAX + 1];
	char proxy[OPERATOR_MAX + 1];
	char inside[];
};

static void resolved(const struct resolver_answer *answer, void *arg)
{
	AUTO_FREE struct taken *taken = arg;

	taken->answer->u.inside.unresolved = !target_addresses(
		taken->domain, taken->proxy, taken->inside, answer, taken->answer->u.inside.inside,
		&taken->answer->u.inside.n_inside);
	crew_mail(taken->service->crew, taken->worker, taken->answer);
	taken->service->dials--;
}

/* Takes the answer unless there is no memory. */
static bool resolve(struct private_service *service, const struct mail *mail, const char *domain,
		    const char *inside, struct mail *answer)
{
	struct taken *taken = calloc(1, sizeof(*taken) + strlen(inside) + 1);

	if (!taken)
		return false;
	taken->service = service;
	taken->answer = answer;
	taken->worker = mail->u.parked.worker;
	strcpy(taken->domain, domain);
	strcpy(taken->proxy, mail->u.parked.operator);
	strcpy(taken->inside, inside);
	service->dials++;
	resolver_lookup(service->resolver, taken->inside, resolved, taken);
	return true;
}

/* NULL: refused, and logged. Nobody else tells: the public proxy only sees the connection end. */
static const char *find_inside(const struct private_service *service, const struct mail *mail,
			       char domain[DOMAIN_MAX + 1])
{
	const char *proxy = mail->u.parked.operator;
	const char *told = mail->u.parked.domain;
	const char *reason = NULL;
	char name[DOMAIN_MAX + 1];

	if (domain_normalise(told, false, domain, &reason) < 0) {
		escape(told, strlen(told), name, sizeof(name));
		log_warn("connection: domain=%s proxy=%s refused: the server name that it tells %s",
			 name, proxy, reason);
		return NULL;
	}
	const char *inside = target_inside(service, domain, proxy);
	if (!inside) {
		log_warn("connection: domain=%s proxy=%s refused: not announced there", domain,
			 proxy);
		return NULL;
	}
	if (service->dials >= service->max_dials) {
		log_warn("connection: domain=%s proxy=%s refused: %u are being resolved already",
			 domain, proxy, service->dials);
		return NULL;
	}
	return inside;
}

void private_taken(struct private_service *service, const struct mail *mail)
{
	struct mail *answer = mail_new(MAIL_INSIDE);
	char domain[DOMAIN_MAX + 1];

	if (!answer) {
		/* The connection then waits for its time-out. */
		log_error("connection: proxy=%s cannot be answered: out of memory",
			  mail->u.parked.operator);
		return;
	}
	answer->u.inside.connection = mail->u.parked.connection;
	const char *inside = find_inside(service, mail, domain);
	if (inside && resolve(service, mail, domain, inside, answer))
		return;
	crew_mail(service->crew, mail->u.parked.worker, answer);
}

void private_unreachable(struct private_service *service, const struct mail *mail)
{
	char domain[DOMAIN_MAX + 1];
	const char *reason;

	if (domain_normalise(mail->u.unreachable.domain, false, domain, &reason) < 0)
		return;
	const char *inside = target_inside(service, domain, mail->u.unreachable.operator);
	if (inside)
		resolver_refused(service->resolver, inside);
}
