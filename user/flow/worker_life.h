/* SPDX-License-Identifier: BSD-2-Clause */
/* A worker from its making to its end. */
#pragma once

struct config;
struct worker;
struct workers;

/* Takes a reference on the config of its own. -errno. */
int worker_new(struct workers *all, unsigned index, const struct config *config,
	       struct worker **ret);
/* On failure -errno; *ret_error names the address (caller frees). */
int worker_listen(struct worker *worker, char **ret_error);
int worker_start(struct worker *worker);
void worker_join(struct worker *worker); /* after mailbox_stop() */
void worker_free(struct worker *worker);
