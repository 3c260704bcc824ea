/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a private worker tells the control thread of the connections that it
 * dials. Of those dialled ahead the number of those that wait is kept there. The order to dial
 * is kept (connection->news) and sent back as the news of the end, so that a
 * lack of memory never leaves a count wrong.
 */
#pragma once

#include <stdbool.h>

struct connection;
struct mail;
struct worker;

/* It waits for a client from now on. -ENOMEM: nobody would ever count on it. */
int news_waiting(struct connection *connection);

/* A client has come; it waits no longer. `domain`: where is the internal server for this name? The
 * answer is MAIL_INSIDE. "": nothing is asked. -ENOMEM: told, but not asked. */
int news_taken(struct connection *connection, const char *domain);

/* It has ended unused. */
void news_lost(struct connection *connection);

/* No address of its internal server takes connections: the name may lead elsewhere by now. Without
 * memory nobody is told, and the name is asked for again when its answer is too old. */
void news_unreachable(struct connection *connection);

/* MAIL_PARK that could not become a connection. Takes it. */
void news_never(struct worker *worker, struct mail *order);
