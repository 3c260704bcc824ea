/* SPDX-License-Identifier: BSD-2-Clause */
/* A network namespace of this process's own, whose loopback behaves like a bad network. */
#pragma once

#include <stdbool.h>

/*
 * Move the calling process (before it makes threads) into a new namespace
 * with its loopback up: MTU 1500, no segmentation offloads. -errno.
 */
int lossy_enter(void);
/* Lose so many packets in a thousand from now on; 0: none. -errno. */
int lossy_drop(unsigned per_thousand);
/* A sysctl of the namespace, "net/ipv4/tcp_sack". -errno. */
int lossy_sysctl(const char *name, const char *value);
