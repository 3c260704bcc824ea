/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A data-path thread: its own listeners, its own epoll, its own connections.
 * This is what it has; how it lives is in worker_life.c, what mail makes it do
 * in worker_mail.c, how it takes other settings in worker_config.c, how it
 * sleeps in worker_wait.c.
 */
#pragma once

#include "common/base/table.h"
#include "common/loop/timer.h"
#include "common/loop/watch.h"
#include "user/flow/complain.h"
#include "user/flow/counters.h"
#include "user/flow/operators.h"
#include "user/flow/state.h"
#include "user/mail/config.h"
#include "user/mail/mailbox.h"
#include "user/mail/outbox.h"
#include "user/plane/path.h"
#include "user/plane/stream.h"

#include <pthread.h>
#include <stdatomic.h>

struct dial_back;
struct inside_memory;
struct listen;
struct parking;
struct rate_gate;
struct routes;
struct sources;
struct token_hasher;
struct waiting_room;
struct worker;

/* All workers, and what they share: made before they start, constant or with a rule of its own. */
struct workers {
	unsigned n;
	struct worker **list;
	struct mailbox **boxes;  /* theirs */
	struct mailbox *control; /* where notices go */
	struct sources *sources; /* half-open connections by source; lock-free */
	struct paths paths;      /* that streams may go by */
	struct rate_gate *public_gate, *internal_gate; /* NULL: no limits */
	_Atomic uint32_t connections; /* open ones of the process, whose number has a limit */
};

struct worker {
	unsigned index;
	struct workers *all;
	const struct config *config; /* a reference; MAIL_CONFIG brings the next one */
	struct counters counters;
	pthread_t thread;
	bool started;
	_Atomic bool ended;
	int epoll;
	struct timers timers;
	struct mailbox *box;
	struct outbox outbox;
	struct watch box_watch;
	struct plane plane;
	struct routes *routes; /* a reference; NULL until the first mail */
	struct token_hasher *hasher;
	struct operator_table operators; /* public */
	struct parking *parking;         /* public: connections dialled ahead by private proxies */
	struct table ids;                /* connections that wait for the control thread: ids.c */
	struct inside_memory *inside;    /* private */
	struct waiting_room *waiting;    /* connections that wait for their dial-back, by token */
	struct connection_list states[CONNECTION_STATES];
	LIST_HEAD(listen_list, listen) listeners;
	LIST_HEAD(dial_back_list, dial_back) dial_backs, ended_dial_backs;
	uint32_t most_dial_backs;
	struct complaints complaints;
	uint64_t next_id;
	bool busy; /* the last turn had events */
	bool stopping;
	bool dismissed; /* no mail comes any more */
	struct timer grace;
	uint8_t *peek_bytes, *peek_workspace;
};
