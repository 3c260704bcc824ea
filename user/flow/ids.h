/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections that wait for word from the control thread, by their id. One table a worker. */
#pragma once

#include <stdint.h>

struct connection;
struct id_table;
struct worker;

struct id_table *id_table_new(void); /* NULL: out of memory */
void id_table_free(struct id_table *table);

void ids_add(struct connection *connection);
void ids_remove(struct connection *connection);                  /* takes one that is not in */
struct connection *ids_find(struct worker *worker, uint64_t id); /* NULL: gone meanwhile */
