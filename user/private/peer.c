// SPDX-License-Identifier: BSD-2-Clause
#include "user/private/peer.h"

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
#define AGAIN_MS         (10 * 60 * 1000LL)
#define AGAIN_REFUSED_MS (60 * 1000LL) /* the directory, or another operator, may have changed */
#define PROBE_MS         10000

const struct remote_pace peer_pace = {.min = 200, .max = 30000, .early = 60000, .early_max = 1000};

void peer_wait(struct peer *peer, int64_t ms)
{
	const struct timeval delay = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	if (peer->announcer->started)
		event_add(peer->timer, &delay);
}

static void failed(struct peer *peer, const char *problem)
{
	peer->reached = false;
	if (remote_is_news(&peer->remote, problem))
		log_warn("public proxy %s cannot be told our announcements: %s; trying again",
			 peer->name, problem);
	peer_wait(peer, remote_failed(&peer->remote, clock_now_ms()));
}

static void well(struct peer *peer)
{
	peer->reached = true;
	if (remote_well(&peer->remote))
		log_info("public proxy %s is reached again", peer->name);
}

static void failed_reply(struct peer *peer, int r, const struct jsonrpc_error *error)
{
	char problem[ANSWER_PROBLEM_MAX];

	answer_problem(r, error, problem);
	failed(peer, problem);
}

static void schedule(struct peer *peer)
{
	int64_t left = peer->next_announce - clock_now_ms();

	if (peer->again || left < 0)
		left = 0;
	else if (!peer->probes_refused && left > PROBE_MS)
		left = PROBE_MS;
	peer_wait(peer, left);
}

static void note_item(struct peer *peer, struct announcement *item, const json_t *answer)
{
	char refusal[256];
	const char *message;
	int code;

	if (answer_item_ok(answer, &code, &message)) {
		if (item->refusal || !item->accepted)
			log_info("announced: domain=%s proxy=%s", item->domain, peer->name);
		free(TAKE_PTR(item->refusal));
		item->accepted = true;
		return;
	}
	snprintf(refusal, sizeof(refusal), "%d %s", code, message);
	item->accepted = false;
	if (item->refusal && strcmp(item->refusal, refusal) == 0)
		return;
	log_warn("announcement refused: domain=%s proxy=%s reason=\"%s\"", item->domain, peer->name,
		 refusal);
	free(item->refusal);
	item->refusal = strdup(refusal);
}

/* How many were refused. */
static unsigned note_items(struct peer *peer, const json_t *sent, const json_t *answers)
{
	const json_t *connection;
	unsigned refused = 0;
	size_t i;

	json_array_foreach((json_t *)sent, i, connection) {
		const char *domain = json_string_value(json_object_get(connection, "domain"));
		struct announcement *item =
			announcements_find(peer->announcer->announcements, domain, peer->name);
		if (!item)
			continue; /* withdrawn meanwhile */
		note_item(peer, item, json_array_get(answers, i));
		refused += !item->accepted;
	}
	return refused;
}

static void announced(int r, json_t *result, const struct jsonrpc_error *error, void *arg)
{
	struct peer *peer = arg;
	AUTO_JSON json_t *sent = TAKE_PTR(peer->sent);
	const json_t *answers = answer_list(result);

	peer->calling = false;
	if (r < 0) {
		failed_reply(peer, r, error);
		return;
	}
	if (json_array_size(answers) != json_array_size(sent)) {
		failed(peer, "it answers with something else than a list with one item for each");
		return;
	}
	well(peer);
	unsigned refused = note_items(peer, sent, answers);
	peer->next_announce = clock_now_ms() + (refused ? AGAIN_REFUSED_MS : AGAIN_MS);
	schedule(peer);
	if (peer->announcer->accepted && refused < json_array_size(sent))
		peer->announcer->accepted(peer->name, peer->announcer->accepted_arg);
}

static bool is_ours(const struct peer *peer, const json_t *item, const char *domain)
{
	const char *operator= json_string_value(json_object_get(item, "operator"));
	const char *name = json_string_value(json_object_get(item, "domain"));

	return operator&& name && strcmp(operator, peer->announcer->name) == 0 &&
	       strcasecmp(name, domain) == 0;
}

static void probed(int r, json_t *result, const struct jsonrpc_error *error, void *arg)
{
	struct peer *peer = arg;
	AUTO_JSON json_t *domain = TAKE_PTR(peer->sent);
	const json_t *item;
	bool found = false;
	size_t i;

	peer->calling = false;
	if (r == -EPROTO && (error->code == 403 || error->code == JSONRPC_METHOD_NOT_FOUND)) {
		log_info("public proxy %s does not let us ask for its announcements; it is told "
			 "them every 10 minutes only",
			 peer->name);
		peer->probes_refused = true;
		schedule(peer);
		return;
	}
	if (r < 0) {
		failed_reply(peer, r, error);
		return;
	}
	json_array_foreach((json_t *)answer_list(result), i, item) {
		found = found || is_ours(peer, item, json_string_value(domain));
	}
	struct announcement *record = announcements_find(peer->announcer->announcements,
							 json_string_value(domain), peer->name);
	if (!found && record && record->accepted) {
		log_info("public proxy %s has lost our announcements", peer->name);
		peer->next_announce = 0;
	}
	schedule(peer);
}

static bool wanted(const struct peer *peer, const struct announcement *item, int64_t now)
{
	return strcmp(item->peer, peer->name) == 0 && !announcement_expired(item, now);
}

json_t *announcer_connection(const char *domain, const char *peer, int64_t expires_at, int64_t now)
{
	char until[TIMESTAMP_TEXT_MAX];

	/* Later ones would be refused; they are announced again long before the week is over. */
	if (expires_at > now + EXPIRY_MAX_MS - AGAIN_MS)
		expires_at = now + EXPIRY_MAX_MS - AGAIN_MS;
	if (expires_at != 0)
		timestamp_format(expires_at, until);
	return json_pack("{s:s, s:s, s:s?}", "domain", domain, "proxy", peer, "expires_at",
			 expires_at != 0 ? until : NULL);
}

static json_t *connections(const struct peer *peer)
{
	const struct announcement *item;
	int64_t now = timestamp_now();
	json_t *list = json_array();

	TAILQ_FOREACH(item, announcements_list(peer->announcer->announcements), entry) {
		if (wanted(peer, item, now))
			json_array_append_new(list, announcer_connection(item->domain, item->peer,
									 item->expires_at, now));
	}
	return list;
}

/* Takes `sent`, borrows `params`. */
static void call(struct peer *peer, const char *method, json_t *params, json_t *sent,
		 jsonrpc_reply reply)
{
	char full[OPERATOR_MAX + 32];

	snprintf(full, sizeof(full), "%s.%s", peer->name, method);
	peer->sent = sent;
	peer->calling = true;
	peer->again = false;
	int r = jsonrpc_client_call(peer->announcer->client, full, params, NULL, CALL_MS, reply,
				    peer);
	if (r < 0) {
		peer->calling = false;
		json_decref(TAKE_PTR(peer->sent));
		failed(peer, strerror(-r));
	}
}

static void announce(struct peer *peer)
{
	AUTO_JSON json_t *list = connections(peer);

	/* Nothing to look after: announcer_watch() begins again. */
	if (json_array_size(list) == 0)
		return;
	AUTO_JSON json_t *params = json_pack("{s:O}", "connections", list);
	call(peer, "announceConnections", params, json_incref(list), announced);
}

/* Each time another of those that were accepted. NULL: there is none. */
static const struct announcement *choose(struct peer *peer)
{
	const struct announcement *item, *first = NULL;
	int64_t now = timestamp_now();
	unsigned i = 0;

	TAILQ_FOREACH(item, announcements_list(peer->announcer->announcements), entry) {
		if (!wanted(peer, item, now) || !item->accepted)
			continue;
		if (!first)
			first = item;
		if (i++ == peer->probe) {
			peer->probe++;
			return item;
		}
	}
	peer->probe = 1;
	return first;
}

static void probe(struct peer *peer)
{
	const struct announcement *item = choose(peer);

	if (!item) {
		schedule(peer);
		return;
	}
	AUTO_JSON json_t *params =
		json_pack("{s:s, s:s}", "operator", peer->announcer->name, "domain", item->domain);
	call(peer, "getAnnouncements", params, json_string(item->domain), probed);
}

void peer_turn(evutil_socket_t fd, short events, void *arg)
{
	struct peer *peer = arg;

	(void)fd;
	(void)events;
	if (!peer->announcer->started)
		return;
	if (peer->calling)
		peer->again = true;
	else if (!peer->reached || peer->again || clock_now_ms() >= peer->next_announce)
		announce(peer);
	else if (peer->probes_refused)
		schedule(peer);
	else
		probe(peer);
}

void peer_accepted(struct peer *peer)
{
	if (peer->calling)
		return;
	if (!evtimer_pending(peer->timer, NULL)) {
		/* It had nothing to look after, so this is all there is to announce. */
		well(peer);
		peer->next_announce = clock_now_ms() + AGAIN_MS;
		schedule(peer);
	} else if (!peer->reached) {
		peer_wait(peer, 0);
	}
}
