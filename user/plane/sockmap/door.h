/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A door in front of a TCP socket, for the instant in which it leaves the map:
 * segments with bytes or a FIN are dropped before TCP has seen them, and their
 * sender sends them again. RST and acknowledgements pass.
 */
#pragma once

/*
 * A socket filter: from 6.1.176 and 6.12.94 on that needs CAP_NET_ADMIN. -EPERM
 * without it, and waiting will not help; other -errno: for want of memory.
 */
int door_shut(int fd);
void door_open(int fd);

/*
 * Whether the door can be shut with those capabilities alone that the process
 * keeps when it has dropped the others, CAP_BPF and CAP_NET_ADMIN
 * (user/privileges.c). Asked at start, since no stream can leave the map
 * without. The calling thread has its capabilities again afterwards. -errno.
 */
int door_check(int fd);
