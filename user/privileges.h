/* SPDX-License-Identifier: BSD-2-Clause */
/* What the daemon may do after its start: forward bytes, and nothing else that root could do. */
#pragma once

/*
 * Keep CAP_BPF and CAP_NET_ADMIN (the sockhash, socket buffers), drop all
 * other capabilities for good, also for programs that might be executed.
 * Before threads are made. Does nothing without capabilities. -errno.
 */
int privileges_drop(void);
