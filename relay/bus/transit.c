// SPDX-License-Identifier: BSD-2-Clause
#include "relay/bus/transit.h"

#include "common/base/cleanup.h"
#include "common/base/container_of.h"
#include "common/base/log.h"

#include <errno.h>
#include <string.h>

/* Channels have the same deadline, and can tell better what it was that they waited for. */
#define GRACE_MS 500

struct sender {
	struct table_link link;
	size_t n; /* messages under way */
	char name[];
};

struct transit {
	struct transits *transits;
	struct transit *next, **link;
	struct table_link by_id;
	struct message message;
	struct sender *sender; /* counts it while `link` is set */
	char *recipient, *method, *id;
	struct event *deadline;
	size_t channel;
	message_done done; /* NULL once answered */
	void *arg;
};

void transits_init(struct transits *transits, struct event_base *base, size_t max,
		   unsigned timeout_ms)
{
	*transits = (struct transits){
		.base = base,
		.max = max,
		/* One operator that floods leaves room for the others. */
		.max_per_sender = max > 4 ? max / 4 : max,
		.timeout_ms = timeout_ms,
	};
	table_init(&transits->by_id);
	table_init(&transits->senders);
}

struct key {
	const char *sender, *id;
};

static uint64_t hash_of(const struct transits *transits, const struct key *key)
{
	const struct table *table = &transits->by_id;

	/* Both are keyed already; the factor tells "a", "b" from "b", "a". */
	return 3 * table_hash_string(table, key->sender) + table_hash_string(table, key->id);
}

static bool same_id(const struct table_link *link, const void *key)
{
	const struct transit *transit = container_of(link, const struct transit, by_id);
	const struct key *wanted = key;

	return strcmp(transit->id, wanted->id) == 0 &&
	       strcmp(transit->sender->name, wanted->sender) == 0;
}

static bool same_name(const struct table_link *link, const void *name)
{
	return strcmp(container_of(link, const struct sender, link)->name, name) == 0;
}

/* A new one counts nothing yet. NULL: no memory. */
static struct sender *take_sender(struct transits *transits, const char *name)
{
	uint64_t hash = table_hash_string(&transits->senders, name);
	struct table_link *link = table_find(&transits->senders, hash, same_name, name);
	size_t size = strlen(name) + 1;

	if (link)
		return container_of(link, struct sender, link);
	struct sender *sender = malloc(sizeof(*sender) + size);
	if (!sender)
		return NULL;
	sender->n = 0;
	memcpy(sender->name, name, size);
	table_add(&transits->senders, &sender->link, hash);
	return sender;
}

/* Who has nothing under way is forgotten. */
static void release_sender(struct transits *transits, struct sender *sender)
{
	if (sender->n > 0)
		return;
	table_remove(&transits->senders, &sender->link);
	free(sender);
}

static void transit_free(struct transit *transit)
{
	struct transits *transits;

	if (!transit)
		return;
	transits = transit->transits;
	if (transit->link) {
		*transit->link = transit->next;
		if (transit->next)
			transit->next->link = transit->link;
		table_remove(&transits->by_id, &transit->by_id);
		transit->sender->n--;
		transits->count--;
	}
	if (transit->sender)
		release_sender(transits, transit->sender);
	if (transit->deadline)
		event_free(transit->deadline);
	json_decref(transit->message.params);
	free(transit->recipient);
	free(transit->method);
	free(transit->id);
	free(transit);
}

static void cleanup_transit(struct transit **transit)
{
	transit_free(*transit);
}

static void answer(struct transit *transit, int r, json_t *result,
		   const struct jsonrpc_error *error)
{
	message_done done = TAKE_PTR(transit->done);

	if (!done)
		return;
	(void)evtimer_del(transit->deadline);
	done(r, result, error, transit->arg);
}

/* What the channel has to say, in the words of the originals. */
static void answer_failure(struct transit *transit, int r, const char *why)
{
	struct jsonrpc_error error = {0};

	jsonrpc_error_set(&error, 500, json_object(),
			  "Channel %zu encountered an error delivering the message: %s",
			  transit->channel, why);
	log_info("message %s from %s: %s", transit->id, transit->sender->name, why);
	answer(transit, r, NULL, &error);
	jsonrpc_error_clear(&error);
}

static void on_deadline(evutil_socket_t fd, short events, void *arg)
{
	struct transit *transit = arg;

	(void)fd;
	(void)events;
	/* The object stays until the channel, which holds the message, lets it go. */
	answer_failure(transit, -ETIMEDOUT, "no answer in time");
}

void transits_cancel(struct transits *transits)
{
	struct transit *transit = transits->first;

	/* From the start after each: whoever gets the answer may end others. */
	while (transit) {
		if (!transit->done) {
			transit = transit->next;
			continue;
		}
		answer_failure(transit, -ECANCELED, "the relay is stopping");
		transit = transits->first;
	}
}

void transits_done(struct transits *transits)
{
	while (transits->first)
		transit_free(transits->first);
	table_clear(&transits->by_id);
	table_clear(&transits->senders);
}

bool transits_has(const struct transits *transits, const char *sender, const char *id)
{
	const struct key key = {sender, id};

	return table_find(&transits->by_id, hash_of(transits, &key), same_id, &key);
}

/* It ends up in JSON, which knows nothing else. */
static bool is_utf8(const char *text)
{
	AUTO_JSON json_t *string = json_string(text);

	return string != NULL;
}

int transit_begin(struct transits *transits, const char *sender, const char *recipient,
		  const char *method, const char *id, json_t *params, message_done done, void *arg,
		  struct transit **ret)
{
	unsigned ms = transits->timeout_ms + GRACE_MS;
	struct timeval deadline = {ms / 1000, (ms % 1000) * 1000};
	CLEANUP(cleanup_transit) struct transit *transit = calloc(1, sizeof(*transit));

	if (!transit) {
		json_decref(params);
		return -ENOMEM;
	}
	transit->transits = transits;
	transit->message.params = params;
	transit->sender = take_sender(transits, sender);
	transit->recipient = strdup(recipient);
	transit->method = strdup(method);
	transit->id = strdup(id);
	transit->deadline = evtimer_new(transits->base, on_deadline, transit);
	if (!transit->sender || !transit->recipient || !transit->method || !transit->id ||
	    !transit->deadline)
		return -ENOMEM;
	if (!is_utf8(id))
		return -EINVAL;
	if (transits_has(transits, sender, id))
		return -EEXIST;
	if (transits->count >= transits->max || transit->sender->n >= transits->max_per_sender)
		return -EBUSY;
	const struct key key = {sender, id};
	table_add(&transits->by_id, &transit->by_id, hash_of(transits, &key));
	transit->sender->n++;
	transits->count++;
	transit->next = transits->first;
	transit->link = &transits->first;
	if (transit->next)
		transit->next->link = &transit->next;
	transits->first = transit;

	transit->message.sender = transit->sender->name;
	transit->message.recipient = transit->recipient;
	transit->message.method = transit->method;
	transit->message.id = transit->id;
	transit->done = done;
	transit->arg = arg;
	(void)evtimer_add(transit->deadline, &deadline);
	*ret = TAKE_PTR(transit);
	return 0;
}

const struct message *transit_message(const struct transit *transit)
{
	return &transit->message;
}

void transit_set_channel(struct transit *transit, size_t number)
{
	transit->channel = number;
}

void transit_end(int r, json_t *result, const struct jsonrpc_error *error, void *arg)
{
	struct transit *transit = arg;
	const char *why = error && error->message ? error->message : strerror(r < 0 ? -r : 0);

	if (!transit->done)
		log_debug("message %s: answer after the deadline", transit->id);
	else if (r == 0)
		answer(transit, 0, result ? result : json_null(), NULL);
	else if (r == -EPROTO && error)
		answer(transit, r, NULL, error);
	else
		answer_failure(transit, r, why);
	transit_free(transit);
}
