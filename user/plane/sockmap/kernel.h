/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The BPF object: loaded once for the process, its flows lent to the workers
 * in shares, so that a worker needs no lock for what is its own.
 */
#pragma once

#include "bpf/forward.h"
#include "user/plane/sockmap/quirks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernel;
struct kernel_share;
struct stream_direction;

#define KERNEL_WHY 256

struct kernel_options {
	unsigned workers;
	uint32_t connections; /* pairs that may be in the map at once */
	bool no_trimming;     /* the test that shows what overlaps do */
};

/* Load, attach and map. On failure -errno and a sentence in `why` for the log. */
int kernel_open(const struct kernel_options *options, struct kernel **ret, char why[KERNEL_WHY]);
void kernel_close(struct kernel *kernel); /* after all shares are freed */

/* Entries in the maps of peers and slots together: zero when no connection is open. */
unsigned kernel_entries(struct kernel *kernel);

/* Called by kernel_share_consume() for each event of a direction that still has its slot. */
typedef void (*kernel_event)(struct stream_direction *direction, enum flow_event event);

int kernel_share_new(struct kernel *kernel, unsigned worker, kernel_event event,
		     struct kernel_share **ret);
void kernel_share_free(struct kernel_share *share);
int kernel_share_fd(const struct kernel_share *share); /* readable while there are events */
void kernel_share_consume(struct kernel_share *share);
const struct kernel_quirks *kernel_quirks(const struct kernel_share *share);

/* A slot for a source socket, in state "user" and not offered. -ENOSPC, or -errno of the map. */
int kernel_slot_take(struct kernel_share *share, uint64_t cookie, uint32_t budget,
		     struct stream_direction *direction, uint32_t *ret);
void kernel_slot_give_back(struct kernel_share *share, uint32_t slot);
volatile struct flow *kernel_flow(struct kernel_share *share, uint32_t slot);

/* What the socket `cookie` receives may go to `peer_fd` from now on: attaches the program to the
 * peer. */
int kernel_peer_add(struct kernel_share *share, uint64_t cookie, int peer_fd);
int kernel_peer_remove(struct kernel_share *share, uint64_t cookie);
