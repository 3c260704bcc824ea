/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How far TCP itself has come with a socket, counted in bytes from its
 * connect. User space compares these with its own counts to know that nothing
 * is under way inside the kernel; docs/kernel.md, "Accounting".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct account_in {
	uint64_t received; /* bytes that TCP has received in order; a FIN counts one */
	uint8_t state;     /* TCP_ESTABLISHED … of <netinet/tcp.h> */
};

/*
 * tcpi_bytes_received. The call takes and releases the socket's lock, so a
 * BPF program that ran before it has finished, and one that runs after it
 * sees what user space wrote before. -errno.
 */
int account_received(int fd, struct account_in *ret);

/*
 * Bytes that TCP has taken for sending (its write_seq), up to a constant that
 * the caller takes off by a baseline. Never too high: acknowledgements that
 * arrive between the two system calls make it too low. -errno.
 */
int account_taken(int fd, uint64_t *ret);

/*
 * The same without that error, for a baseline: one that is too low would make
 * every later count too high. Nothing must be sent meanwhile. -EAGAIN when
 * acknowledgements kept coming in between; ask again later.
 */
int account_taken_exactly(int fd, uint64_t *ret);

/*
 * 1 when every byte that TCP has received is either among `seen` or still in
 * its receive queue (SIOCINQ); 0 when some are missing. For a socket that is
 * not in the map any more: inside, SIOCINQ has another meaning in each series
 * of the kernel. Takes 1.6 ms to be sure that some are missing. -errno; -EAGAIN
 * when bytes kept coming meanwhile.
 */
int account_complete(int fd, uint64_t seen);
