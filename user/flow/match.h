/* SPDX-License-Identifier: BSD-2-Clause */
/* Who serves a name: the table of announcements decides. */
#pragma once

struct connection;

/*
 * From PEEK: the connection goes on by one that was dialled ahead, by a
 * rendezvous with the private proxy that has announced `name`, or is refused.
 */
void match_begin(struct connection *connection, const char *name);
