/* SPDX-License-Identifier: BSD-2-Clause */
/* Which sockets may go into the map at all. */
#pragma once

#include <stdint.h>

/*
 * 0; or -EOPNOTSUPP for one that is not plain TCP, has half-closed, or has
 * received fewer bytes than the `read` that user space believes to have had. -errno.
 */
int suitable_for_sockmap(int fd, uint64_t read);
