/* SPDX-License-Identifier: BSD-2-Clause */
/* Options of the sockets that a stream joins. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * What both need from the start: no Nagle, which the kernel's worker obeys as
 * anybody else does, and urgent bytes in line (RFC 6093), which recv() would
 * skip. Accepted sockets inherit them from their listener.
 */
void socket_prepare(int fd);

/* Bound both buffers so that a direction through two such sockets costs at most `memory` bytes. */
void socket_bound(int fd, uint32_t memory);

/* Bytes of memory that the socket takes for sending before it blocks; 0 when that cannot be told.
 */
size_t socket_send_room(int fd);

/* close() sends RST instead of FIN (SO_LINGER 0). */
void socket_reset_on_close(int fd);
