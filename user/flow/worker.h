/* SPDX-License-Identifier: BSD-2-Clause */
/* A data-path thread: its own listeners, its own epoll, its own connections. */
#pragma once

#include "common/loop/timer.h"
#include "common/loop/watch.h"
#include "user/flow/complain.h"
#include "user/flow/connection.h"
#include "user/flow/dial_back.h"
#include "user/flow/listen.h"
#include "user/flow/operators.h"
#include "user/mail/config.h"
#include "user/mail/mailbox.h"
#include "user/mail/outbox.h"
#include "user/plane/path.h"
#include "user/plane/stream.h"

#include <pthread.h>
#include <stdatomic.h>

struct sources;
struct id_table;
struct inside_memory;
struct parking;
struct token_hasher;
struct waiting_room;

/* Made by proxy.c, before threads start; shared, constant or with a rule of its own. */
struct workshop {
	const struct config *config;
	struct mailbox *control; /* where notices go */
	struct sources *sources; /* half-open connections by source; lock-free */
	struct paths paths;      /* that streams may go by */
	struct rate_gate *public_gate, *internal_gate; /* NULL: no limits */
	struct worker **workers;
	struct mailbox **boxes;       /* of the workers; theirs */
	_Atomic uint32_t connections; /* open ones of the process */
	_Atomic uint32_t *parked;     /* public: how many each worker has, of all operators */
};

struct worker {
	unsigned index;
	struct workshop *shop;
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
	struct id_table *ids;
	struct inside_memory *inside; /* private */
	struct waiting_room *waiting; /* connections that wait for their dial-back, by token */
	struct connection_list states[CONNECTION_STATES];
	struct listen_list listeners;
	struct dial_back_list dial_backs, ended_dial_backs;
	uint32_t n_dial_backs, most_dial_backs;
	struct complaints complaints;
	uint64_t next_id;
	bool busy; /* the last turn had events */
	bool stopping;
	bool dismissed; /* no mail comes any more */
	struct timer grace;
	uint8_t *peek_bytes, *peek_workspace;
};

int worker_new(struct workshop *shop, unsigned index, struct worker **ret);
/* On failure -errno; *ret_error names the address (caller frees). */
int worker_listen(struct worker *worker, char **ret_error);
int worker_start(struct worker *worker);
void worker_join(struct worker *worker); /* after MAIL_STOP */
void worker_free(struct worker *worker);

/* Puts mail into the worker's box. Any thread. */
void worker_mail(struct worker *worker, struct mail *mail);
