/* SPDX-License-Identifier: BSD-2-Clause */
/* A short conversation through the program, at start: whether this kernel does what we rely on. */
#pragma once

#include "user/plane/sockmap/kernel.h"

/*
 * Two connections on loopback, bridged by the program: bytes arrive once and
 * in order, a segment that overlaps is trimmed, a bare FIN harms nothing, and
 * the filter that leaving needs may be attached with what the process keeps of
 * its capabilities.
 * 0; 1 when overlaps were left out, for want of CAP_NET_RAW; or -errno and a few
 * words in `why`. Takes milliseconds; at most two
 * seconds when something is wrong.
 */
int selftest(struct kernel *kernel, char why[KERNEL_WHY]);
