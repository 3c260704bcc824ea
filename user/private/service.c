// SPDX-License-Identifier: BSD-2-Clause
#include "user/private/service.h"

#include "common/base/timestamp.h"
#include "user/private/announce.h"
#include "user/private/incoming.h"
#include "user/wire/answer.h"

#include <string.h>

static void get_announcements(struct private_service *service, struct jsonrpc_call *call)
{
	const struct announcement *item;
	int64_t now = timestamp_now();
	json_t *list = json_array();

	TAILQ_FOREACH(item, announcements_list(service->announcements), entry) {
		char until[TIMESTAMP_TEXT_MAX];

		if (announcement_expired(item, now))
			continue;
		if (item->expires_at != 0)
			timestamp_format(item->expires_at, until);
		json_array_append_new(list,
				      json_pack("{s:s, s:s?, s:s}", "domain", item->domain,
						"expires_at", item->expires_at != 0 ? until : NULL,
						"proxy", item->proxy));
	}
	jsonrpc_call_result(call, list);
}

static const struct {
	const char *method;
	void (*handle)(struct private_service *service, struct jsonrpc_call *call);
} methods[] = {
	{"announceConnection", private_announce},
	{"getAnnouncements", get_announcements},
	{"incomingConnection", private_incoming},
	{"withdrawConnection", private_withdraw},
};

void private_service_call(struct private_service *service, struct jsonrpc_call *call)
{
	const char *method = jsonrpc_call_request(call)->method;

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strcmp(methods[i].method, method) == 0) {
			methods[i].handle(service, call);
			return;
		}
	answer_error(call, JSONRPC_METHOD_NOT_FOUND, "method not found", NULL);
}
