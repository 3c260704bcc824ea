/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * State AHEAD, of the private proxy: connected to the public proxy, its token
 * shown, waiting to be taken for a client. The stream then begins with a
 * PROXY header, which tells the client's address and the server name.
 */
#pragma once

#include "user/mail/mailbox.h"

struct connection;
struct worker;

/* From DIAL. */
void ahead_begin(struct connection *connection);

/* It has ended unused. */
void ahead_lost(struct connection *connection, const char *reason);

/* Tell the control thread, which keeps the number of those that wait. */
void ahead_tell(struct worker *worker, uint64_t connection, enum parked_condition condition,
		const char *proxy, const char *domain);
