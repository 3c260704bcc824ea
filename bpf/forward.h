/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0) */
/*
 * What the program in forward.bpf.c and user space say to each other. One
 * struct flow is one direction of one connection. It lies in memory that both
 * map; each field has a single writer.
 */
#ifndef PASSAGE_BPF_FORWARD_H
#define PASSAGE_BPF_FORWARD_H

#ifndef __VMLINUX_H__
#include <assert.h>
#include <linux/types.h>
#endif

enum flow_mode {
	FLOW_USER = 0,   /* segments are passed to user space */
	FLOW_KERNEL = 1, /* segments are redirected to the peer */
};

enum flow_event {
	FLOW_SPILLED = 1, /* the direction has been given back to user space */
	FLOW_BROKEN = 2,  /* the stream cannot be continued without losing or doubling bytes */
	FLOW_BUSY = 3, /* FLOW_BUSY_SEGMENTS more were redirected: is this still the right path? */
};

/* When a passed segment goes through the socket's queue by our doing, and not only by the kernel's.
 */
enum flow_queue {
	QUEUE_NEVER = 0,
	QUEUE_BEHIND_OTHERS = 1,
	QUEUE_ALWAYS = 2,
};

/*
 * A power of two. Few enough that a stream which is one of many that keep all
 * processors busy is heard of within a fraction of a second, and so many that
 * waking user space for it costs nothing against moving them.
 */
#define FLOW_BUSY_SEGMENTS 64

/* For bpftool and tests. */
enum flow_spill_reason {
	FLOW_SPILL_ROOM = 1,    /* no room at the peer */
	FLOW_SPILL_HOLD = 2,    /* user space asked for the direction */
	FLOW_SPILL_NO_PEER = 3, /* the peer is not in the map */
	FLOW_SPILL_BACK = 4, /* the peer's own passed bytes are on their way through user space */
};

struct flow {
	/* Written by user space. */
	__u64 cookie;     /* of the source socket; 0: the slot is free */
	__u64 delivered;  /* bytes of `passed` that the peer's TCP has accepted */
	__u32 offered;    /* 1: the program may take the direction, and keep it */
	__u32 budget;     /* bytes that may wait for the kernel's worker */
	__u32 ring;       /* index of the owner's ring buffer */
	__u32 generation; /* of the slot, so that a late event is not taken for a new flow's */
	__u32 busy_seen;  /* of `busy_told`: the event has been read */
	__u32 peer_slot;  /* of the other direction */
	__u32 user_reserved[6];

	/* Written by the program, under the source socket's lock. */
	__u64 passed;     /* bytes that went to user space */
	__u64 redirected; /* bytes that went to the peer's queue */
	__u64 trimmed;    /* bytes cut off because they had been seen before */
	__u32 mode;       /* enum flow_mode */
	__u32 next_seq;   /* sequence number that the next segment has to begin with */
	__u32 base;       /* the peer's write_seq − redirected, at the last switch (mod 2^32) */
	__u32 overlaps;   /* segments that were trimmed */
	__u32 spills;     /* times that the direction was given back */
	__u32 switches;   /* times that it was taken */
	__u16 started;    /* next_seq is valid */
	__u16 broken;
	__u16 reason; /* enum flow_spill_reason of the last spill */
	__u16 program_reserved;
	__u32 segments;  /* redirected */
	__u32 busy_told; /* FLOW_BUSY events */
};

/* At most one unread record of each kind a direction: docs/kernel.md, "The ring of events is full".
 */
struct flow_record {
	__u32 slot;
	__u16 generation;
	__u16 event; /* enum flow_event */
};

#ifndef __VMLINUX_H__
static_assert(sizeof(struct flow) == 128, "two cache lines, one for each writer");
static_assert(sizeof(struct flow_record) == 8, "a record is one word");
#endif

#endif
