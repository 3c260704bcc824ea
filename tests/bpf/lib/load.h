/* SPDX-License-Identifier: BSD-2-Clause */
/* Position-checked content over a bridged pair of connections, both ways at once. */
#pragma once

#include "tests/bpf/lib/bridge.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct load {
	uint64_t bytes[2]; /* from the outside, from the inside */
	size_t write_min, write_max;
	unsigned pause_percent; /* of writes, followed by a pause of up to pause_us */
	unsigned pause_us;
	unsigned read_pause_us; /* between reads */
	size_t read_max;        /* bytes a read; 0: 64 KiB */
	int rcvbuf;             /* of the far ends; 0: the system's */
	int family;             /* AF_INET (0), AF_INET6; AF_UNSPEC means IPv4 */
	bool mapped;            /* an IPv4 client at an IPv6 socket */
	unsigned seed;
	unsigned patience_s; /* of a blocked send() or recv(); 0: 120 */
};

/* near[i] ↔ far[i], both connected on loopback with TCP_NODELAY on the far side. 0 or -errno. */
int load_connect(const struct load *load, int *ret_near, int *ret_far);

/*
 * Bridge two connections and move `load` over them. NULL when every byte
 * arrived once and in its place and both FINs came through, else what went
 * wrong (static, per thread).
 */
const char *load_run(struct bridge *bridge, const struct load *load, struct bridge_result *ret);

/* `connections` of them at the same time. */
const char *load_run_many(struct bridge *bridge, const struct load *load, unsigned connections,
			  struct bridge_result *ret_sum);
