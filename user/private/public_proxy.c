// SPDX-License-Identifier: BSD-2-Clause
#include "user/private/public_proxy.h"

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/timestamp.h"
#include "common/loop/timer.h"
#include "user/wire/answer.h"
#include "user/wire/limits.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CALL_MS          10000
#define AGAIN_REFUSED_MS (60 * 1000LL) /* the directory, or another operator, may have changed */
#define PROBE_MS         10000

const struct remote_pace public_proxy_pace = {
	.min = 200, .max = 30000, .early = 60000, .early_max = 1000};

void public_proxy_wait(struct public_proxy *proxy, int64_t ms)
{
	const struct timeval delay = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	if (proxy->announcer->started)
		event_add(proxy->timer, &delay);
}

static void failed(struct public_proxy *proxy, const char *problem)
{
	proxy->reached = false;
	if (remote_is_news(&proxy->remote, problem))
		log_warn("public proxy %s cannot be told our announcements: %s; trying again",
			 proxy->name, problem);
	public_proxy_wait(proxy, remote_failed(&proxy->remote, clock_now_ms()));
}

static void well(struct public_proxy *proxy)
{
	proxy->reached = true;
	if (remote_well(&proxy->remote))
		log_info("public proxy %s is reached again", proxy->name);
}

static void failed_reply(struct public_proxy *proxy, int r, const struct jsonrpc_error *error)
{
	char problem[ANSWER_PROBLEM_MAX];

	answer_problem(r, error, problem);
	failed(proxy, problem);
}

static void schedule(struct public_proxy *proxy)
{
	int64_t left = proxy->next_announce - clock_now_ms();

	if (proxy->again || left < 0)
		left = 0;
	else if (!proxy->probes_refused && left > PROBE_MS)
		left = PROBE_MS;
	public_proxy_wait(proxy, left);
}

static void note_item(struct public_proxy *proxy, struct announcement *item, const json_t *answer)
{
	char refusal[256];
	const char *message;
	int code;

	if (answer_item_ok(answer, &code, &message)) {
		if (item->refusal || !item->accepted)
			log_info("announced: domain=%s proxy=%s", item->domain, proxy->name);
		free(TAKE_PTR(item->refusal));
		item->accepted = true;
		return;
	}
	snprintf(refusal, sizeof(refusal), "%d %s", code, message);
	item->accepted = false;
	if (item->refusal && strcmp(item->refusal, refusal) == 0)
		return;
	log_warn("announcement refused: domain=%s proxy=%s reason=\"%s\"", item->domain,
		 proxy->name, refusal);
	free(item->refusal);
	item->refusal = strdup(refusal);
}

/* How many were refused. */
static unsigned note_items(struct public_proxy *proxy, const json_t *sent, const json_t *answers)
{
	const json_t *connection;
	unsigned refused = 0;
	size_t i;

	json_array_foreach((json_t *)sent, i, connection) {
		const char *domain = json_string_value(json_object_get(connection, "domain"));
		struct announcement *item =
			announcements_find(proxy->announcer->announcements, domain, proxy->name);
		if (!item)
			continue; /* withdrawn meanwhile */
		note_item(proxy, item, json_array_get(answers, i));
		refused += !item->accepted;
	}
	return refused;
}

static void announced(int r, json_t *result, const struct jsonrpc_error *error, void *arg)
{
	struct public_proxy *proxy = arg;
	AUTO_JSON json_t *sent = TAKE_PTR(proxy->sent);
	const json_t *answers = answer_list(result);

	proxy->calling = false;
	if (r < 0) {
		failed_reply(proxy, r, error);
		return;
	}
	if (json_array_size(answers) != json_array_size(sent)) {
		failed(proxy, "it answers with something else than a list with one item for each");
		return;
	}
	well(proxy);
	unsigned refused = note_items(proxy, sent, answers);
	proxy->next_announce =
		clock_now_ms() + (refused ? AGAIN_REFUSED_MS : PUBLIC_PROXY_AGAIN_MS);
	schedule(proxy);
	if (proxy->announcer->accepted && refused < json_array_size(sent))
		proxy->announcer->accepted(proxy->name, proxy->announcer->accepted_arg);
}

static bool is_ours(const struct public_proxy *proxy, const json_t *item, const char *domain)
{
	const char *owner = json_string_value(json_object_get(item, "operator"));
	const char *name = json_string_value(json_object_get(item, "domain"));

	return owner && name && strcmp(owner, proxy->announcer->name) == 0 &&
	       strcasecmp(name, domain) == 0;
}

static void probed(int r, json_t *result, const struct jsonrpc_error *error, void *arg)
{
	struct public_proxy *proxy = arg;
	AUTO_JSON json_t *domain = TAKE_PTR(proxy->sent);
	const json_t *item;
	bool found = false;
	size_t i;

	proxy->calling = false;
	if (r == -EPROTO && (error->code == 403 || error->code == JSONRPC_METHOD_NOT_FOUND)) {
		log_info("public proxy %s does not let us ask for its announcements; it is told "
			 "them every 10 minutes only",
			 proxy->name);
		proxy->probes_refused = true;
		schedule(proxy);
		return;
	}
	if (r < 0) {
		failed_reply(proxy, r, error);
		return;
	}
	json_array_foreach((json_t *)answer_list(result), i, item) {
		found = found || is_ours(proxy, item, json_string_value(domain));
	}
	struct announcement *record = announcements_find(proxy->announcer->announcements,
							 json_string_value(domain), proxy->name);
	if (!found && record && record->accepted) {
		log_info("public proxy %s has lost our announcements", proxy->name);
		proxy->next_announce = 0;
	}
	schedule(proxy);
}

static const struct group_members *announcements_of(const struct public_proxy *proxy)
{
	return announcements_at_proxy(proxy->announcer->announcements, proxy->name);
}

static json_t *connections(const struct public_proxy *proxy)
{
	const struct group_member *member;
	int64_t now = timestamp_now();
	json_t *list = json_array();

	TAILQ_FOREACH(member, announcements_of(proxy), entry) {
		const struct announcement *item = member->item;

		if (!announcement_expired(item, now))
			json_array_append_new(list, announcer_connection(item->domain, item->proxy,
									 item->expires_at, now));
	}
	return list;
}

/* Takes `sent`, borrows `params`. */
static void call(struct public_proxy *proxy, const char *method, json_t *params, json_t *sent,
		 jsonrpc_reply reply)
{
	char full[OPERATOR_MAX + 32];

	snprintf(full, sizeof(full), "%s.%s", proxy->name, method);
	proxy->sent = sent;
	proxy->calling = true;
	proxy->again = false;
	int r = jsonrpc_client_call(proxy->announcer->client, full, params, NULL, CALL_MS, reply,
				    proxy);
	if (r < 0) {
		proxy->calling = false;
		json_decref(TAKE_PTR(proxy->sent));
		failed(proxy, strerror(-r));
	}
}

static void announce(struct public_proxy *proxy)
{
	AUTO_JSON json_t *list = connections(proxy);

	/* Nothing to look after: announcer_watch() begins again. */
	if (json_array_size(list) == 0)
		return;
	AUTO_JSON json_t *params = json_pack("{s:O}", "connections", list);
	call(proxy, "announceConnections", params, json_incref(list), announced);
}

/* Each time another of those that were accepted. NULL: there is none. */
static const struct announcement *choose(struct public_proxy *proxy)
{
	const struct announcement *first = NULL;
	const struct group_member *member;
	int64_t now = timestamp_now();
	unsigned i = 0;

	TAILQ_FOREACH(member, announcements_of(proxy), entry) {
		const struct announcement *item = member->item;

		if (announcement_expired(item, now) || !item->accepted)
			continue;
		if (!first)
			first = item;
		if (i++ == proxy->probe) {
			proxy->probe++;
			return item;
		}
	}
	proxy->probe = 1;
	return first;
}

static void probe(struct public_proxy *proxy)
{
	const struct announcement *item = choose(proxy);

	if (!item) {
		schedule(proxy);
		return;
	}
	AUTO_JSON json_t *params =
		json_pack("{s:s, s:s}", "operator", proxy->announcer->name, "domain", item->domain);
	call(proxy, "getAnnouncements", params, json_string(item->domain), probed);
}

void public_proxy_turn(evutil_socket_t fd, short events, void *arg)
{
	struct public_proxy *proxy = arg;

	(void)fd;
	(void)events;
	if (!proxy->announcer->started)
		return;
	if (proxy->calling)
		proxy->again = true;
	else if (!proxy->reached || proxy->again || clock_now_ms() >= proxy->next_announce)
		announce(proxy);
	else if (proxy->probes_refused)
		schedule(proxy);
	else
		probe(proxy);
}

void public_proxy_accepted(struct public_proxy *proxy)
{
	if (proxy->calling)
		return;
	if (!evtimer_pending(proxy->timer, NULL)) {
		/* It had nothing to look after, so this is all there is to announce. */
		well(proxy);
		proxy->next_announce = clock_now_ms() + PUBLIC_PROXY_AGAIN_MS;
		schedule(proxy);
	} else if (!proxy->reached) {
		public_proxy_wait(proxy, 0);
	}
}
