/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection that its private proxy has dialled ahead serves a client: no rendezvous is needed.
 */
#pragma once

#include <stdbool.h>

struct connection;

/*
 * From PEEK or RENDEZVOUS. Takes `fd`, which was parked. True: the stream has
 * begun, with a PROXY header (and may have ended); false: `fd` was dead.
 */
bool serve_by_parked(struct connection *connection, int fd);
