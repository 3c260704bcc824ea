/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one worker has done since it started. The worker alone writes, any
 * thread may read, and neither waits: each number is right by itself, two of
 * them may be from different moments.
 */
#pragma once

#include "user/flow/ending.h"

#include <stdatomic.h>
#include <stdint.h>

/* What strangers can cause at will; the words are in complain.c. */
enum complaint {
	COMPLAINT_HALF_OPEN,
	COMPLAINT_HALF_OPEN_SOURCE,
	COMPLAINT_CONNECTIONS,
	COMPLAINT_RATE,
	COMPLAINT_DIAL_BACKS,
	COMPLAINT_TOKEN_SHORT,
	COMPLAINT_TOKEN_SLOW,
	COMPLAINT_TOKEN_WRONG,
	COMPLAINT_NO_ROOM_TO_PARK,
	COMPLAINT_MEMORY,
	COMPLAINTS,
};

enum counter {
	/* public proxy */
	COUNTER_ACCEPTED,      /* clients that were let in */
	COUNTER_HELLOS,        /* complete ClientHellos with a name */
	COUNTER_NOTICES,       /* private proxies sent for, or another worker asked */
	COUNTER_BY_PARKED,     /* clients that a connection dialled ahead has served */
	COUNTER_BY_LENT,       /* the same, and it came from another worker */
	COUNTER_BY_RENDEZVOUS, /* clients for whom the private proxy has dialled back */
	COUNTER_DIAL_BACKS,    /* connections to the internal port that were let in */
	COUNTER_PARKED,        /* of those: dialled ahead */
	/* private proxy */
	COUNTER_DIALS,       /* for a client */
	COUNTER_DIALS_AHEAD, /* for nobody yet */
	COUNTER_TAKEN,       /* of those: a client has come */
	/* both */
	COUNTER_PAIRED,
	COUNTER_BYTES_UP, /* of connections that have ended; up is towards the internal server */
	COUNTER_BYTES_DOWN,
	COUNTER_KERNEL_UP, /* of those bytes: moved by the program in the kernel */
	COUNTER_KERNEL_DOWN,
	/* These go down again. */
	COUNTER_OPEN,            /* connections in any state */
	COUNTER_DIAL_BACKS_OPEN, /* without their token as yet */
	COUNTER_PARKED_OPEN,     /* waiting for a client */
	/* One for each complaint, one for each ending. */
	COUNTER_COMPLAINTS,
	COUNTER_ENDED = COUNTER_COMPLAINTS + COMPLAINTS,
	COUNTERS = COUNTER_ENDED + ENDINGS,
};

struct counters {
	_Atomic uint64_t values[COUNTERS];
};

/* By the worker alone. `counter`: enum counter, or COUNTER_ENDED + an ending, or … */
void counters_add(struct counters *counters, unsigned counter, uint64_t n);
void counters_sub(struct counters *counters, unsigned counter, uint64_t n);
/* By any thread. */
uint64_t counters_get(const struct counters *counters, unsigned counter);

#define COUNTER_NAME_MAX 48
/* "accepted", "complaint_rate", "ended_finished" */
void counter_name(unsigned counter, char ret[COUNTER_NAME_MAX]);

/*
 * "accepted=3 paired=2 …": the sums over `n` workers, without those that are
 * zero. As much as goes into `size` bytes.
 */
#define COUNTERS_TEXT (COUNTERS * (COUNTER_NAME_MAX + 22))
void counters_format(const struct counters *const *all, unsigned n, char *ret, size_t size);
