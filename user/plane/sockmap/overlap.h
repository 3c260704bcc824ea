/* SPDX-License-Identifier: BSD-2-Clause */
/* A segment that repeats bytes which have been delivered, as a retransmission after a merge does.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Send, past the TCP of `fd`, a segment of `length` bytes that begins
 * `overlap` bytes before what `fd` would send next. `fd`: IPv4, connected on
 * loopback, with nothing unsent; its connection is of no use afterwards, since
 * its peer has then seen bytes that it never sent. -EPERM without
 * CAP_NET_ADMIN and CAP_NET_RAW, or another -errno.
 */
int overlap_send(int fd, const void *bytes, size_t length, uint32_t overlap);
