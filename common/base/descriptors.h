/* SPDX-License-Identifier: BSD-2-Clause */
/* How many file descriptors the process may have open (RLIMIT_NOFILE). */
#pragma once

#include <stdint.h>

/*
 * The usual soft limit of 1,024 is fewer than the settings let in: raise it to
 * the hard one. Once, by main() or what it starts, before anything is counted
 * by it. Where that is refused the limit stays as it is.
 */
void descriptors_raise(void);

/* How many there may be now. 0: the kernel does not tell. */
uint64_t descriptors_limit(void);
