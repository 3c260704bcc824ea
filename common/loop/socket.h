/* SPDX-License-Identifier: BSD-2-Clause */
/* Options of the sockets that a stream joins. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* TCP_NOTSENT_LOWAT of the sockets that a stream joins: none. */
extern const unsigned SOCKET_NOTSENT_LOWAT;

/*
 * What both need before they are connected: no Nagle, which the kernel's
 * worker obeys as anybody else does; urgent bytes in line (RFC 6093), which
 * recv() would skip; no limit of unsent bytes but the buffer's; both buffers bounded so that a
 * direction through two such sockets costs at most `memory` bytes (0: the system's own limits).
 * Accepted sockets inherit all of it from their listener.
 */
void socket_prepare(int fd, uint32_t memory);

/* SO_RCVLOWAT: TCP tells nobody of fewer bytes, the program in the sockmap neither. Setting it
 * tells of what is there. */
void socket_lowat(int fd, int bytes);

/* Bytes of memory that the socket takes for sending before it blocks; 0 when that cannot be told.
 */
size_t socket_send_room(int fd);

/* close() sends RST instead of FIN (SO_LINGER 0). */
void socket_reset_on_close(int fd);

/* TCP keepalive, `idle_s` seconds to the first probe, a minute to the end; 0: none. */
void socket_keep_alive(int fd, int idle_s);
/* Only the time to the first probe, on a socket that has the rest already. */
void socket_probe_after(int fd, int idle_s);
