/* SPDX-License-Identifier: BSD-2-Clause */
/* The way out of a worker: nothing new; what is open may end by itself until the grace is over. */
#pragma once

#include "user/mail/mailbox.h"

#include <stdbool.h>

struct worker;

/* Again: the earlier end of both counts. */
void worker_stop(struct worker *worker, const struct stop_order *order);

/* Whether any connection is there that is not closed. */
bool worker_has_connections(const struct worker *worker);

/* Reset them all. */
void worker_close_all(struct worker *worker);
