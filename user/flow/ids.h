/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections that wait for word from the control thread, by their id. One table a worker. */
#pragma once

#include <stdint.h>

struct connection;
struct worker;

void ids_add(struct connection *connection);
void ids_remove(struct connection *connection);                  /* takes one that is not in */
struct connection *ids_find(struct worker *worker, uint64_t id); /* NULL: gone meanwhile */
