/* SPDX-License-Identifier: BSD-2-Clause */
/* The messages that are under way: each once, so many in all and from one sender, each with a
 * deadline. */
#pragma once

#include "common/base/table.h"
#include "relay/bus/channel.h"

struct transit;

struct transits {
	struct event_base *base;
	struct transit *first;
	struct table by_id;   /* each, by sender and id */
	struct table senders; /* those that have any under way, and how many */
	size_t count, max, max_per_sender;
	unsigned timeout_ms;
};

void transits_init(struct transits *transits, struct event_base *base, size_t max,
		   unsigned timeout_ms);
/* Answer all with -ECANCELED; their objects stay for the channels that still hold them. */
void transits_cancel(struct transits *transits);
/* After the channels are gone: nobody holds one any more. */
void transits_done(struct transits *transits);

bool transits_has(const struct transits *transits, const char *sender, const char *id);

/*
 * Begin: all strings are copied, `params` is taken, also on failure. -EEXIST:
 * the same id of this sender is under way; -EBUSY: too many are; -EINVAL: an
 * id that is not UTF-8; -ENOMEM.
 */
int transit_begin(struct transits *transits, const char *sender, const char *recipient,
		  const char *method, const char *id, json_t *params, message_done done, void *arg,
		  struct transit **ret);

const struct message *transit_message(const struct transit *transit);
/* Number of the channel that delivers it, for the error's text. */
void transit_set_channel(struct transit *transit, size_t number);

/* The end, as a message_done with the transit as `arg`: answers once and frees it. */
void transit_end(int r, json_t *result, const struct jsonrpc_error *error, void *arg);
