// SPDX-License-Identifier: BSD-2-Clause
#include "relay/bus/transit.h"

#include "common/base/cleanup.h"
#include "common/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Channels have the same deadline, and can tell better what it was that they waited for. */
#define GRACE_MS 500

struct transit {
	struct transits *transits;
	struct transit *next, **link;
	struct message message;
	char *sender, *recipient, *method, *id, *key;
	struct event *deadline;
	size_t channel;
	message_done done; /* NULL once answered */
	void *arg;
};

int transits_init(struct transits *transits, struct event_base *base, size_t max,
		  unsigned timeout_ms)
{
	*transits = (struct transits){
		.base = base,
		.keys = json_object(),
		.senders = json_object(),
		.max = max,
		/* One operator that floods leaves room for the others. */
		.max_per_sender = max > 4 ? max / 4 : max,
		.timeout_ms = timeout_ms,
	};
	if (transits->keys && transits->senders)
		return 0;
	json_decref(transits->keys);
	json_decref(transits->senders);
	return -ENOMEM;
}

static char *make_key(const char *sender, const char *id)
{
	char *key;

	/* An operator's name holds no space. */
	return asprintf(&key, "%s %s", sender, id) < 0 ? NULL : key;
}

static json_int_t count_of(const struct transits *transits, const char *sender)
{
	return json_integer_value(json_object_get(transits->senders, sender));
}

static void set_count(struct transits *transits, const char *sender, json_int_t count)
{
	if (count > 0)
		(void)json_object_set_new(transits->senders, sender, json_integer(count));
	else
		(void)json_object_del(transits->senders, sender);
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
		(void)json_object_del(transits->keys, transit->key);
		set_count(transits, transit->sender, count_of(transits, transit->sender) - 1);
		transits->count--;
	}
	if (transit->deadline)
		event_free(transit->deadline);
	json_decref(transit->message.params);
	free(transit->sender);
	free(transit->recipient);
	free(transit->method);
	free(transit->id);
	free(transit->key);
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
	log_info("message %s from %s: %s", transit->id, transit->sender, why);
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
	json_decref(transits->keys);
	json_decref(transits->senders);
}

bool transits_has(const struct transits *transits, const char *sender, const char *id)
{
	AUTO_FREE char *key = make_key(sender, id);

	return key && json_object_get(transits->keys, key);
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
	transit->sender = strdup(sender);
	transit->recipient = strdup(recipient);
	transit->method = strdup(method);
	transit->id = strdup(id);
	transit->key = make_key(sender, id);
	transit->deadline = evtimer_new(transits->base, on_deadline, transit);
	if (!transit->sender || !transit->recipient || !transit->method || !transit->id ||
	    !transit->key || !transit->deadline)
		return -ENOMEM;
	if (json_object_get(transits->keys, transit->key))
		return -EEXIST;
	if (transits->count >= transits->max ||
	    count_of(transits, sender) >= (json_int_t)transits->max_per_sender)
		return -EBUSY;
	if (json_object_set_new(transits->keys, transit->key, json_true()) < 0)
		return -EINVAL;
	set_count(transits, sender, count_of(transits, sender) + 1);
	transits->count++;
	transit->next = transits->first;
	transit->link = &transits->first;
	if (transit->next)
		transit->next->link = &transit->next;
	transits->first = transit;

	transit->message.sender = transit->sender;
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
