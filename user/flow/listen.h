/* SPDX-License-Identifier: BSD-2-Clause */
/* A worker's listening sockets: one for each address, shared with the other workers by
 * SO_REUSEPORT. */
#pragma once

#include "common/base/addr.h"
#include "common/loop/timer.h"
#include "common/loop/watch.h"

#include <sys/queue.h>

struct worker;
struct rate_gate;

typedef void (*listen_accepted)(struct worker *worker, int fd, const struct addr *peer);

struct listen {
	LIST_ENTRY(listen) in_worker;
	struct worker *worker;
	struct watch watch;
	struct timer back_off; /* after EMFILE and its like */
	bool complained;
	struct rate_gate *gate;   /* not owned, NULL: no limits */
	listen_accepted accepted; /* owns the descriptor */
};

/* -errno. Nobody else must listen there: listen_probe() has to be asked first. */
int listen_open(struct worker *worker, const struct addr *addr, struct rate_gate *gate,
		listen_accepted accepted);
/* Whether the address can be bound at all: SO_REUSEPORT alone would share it with another process.
 */
int listen_probe(const struct addr *addr);
void listen_close_all(struct worker *worker);
/* After the loop has ended: events of its last turn may still name them before. */
void listen_free_all(struct worker *worker);
