/* SPDX-License-Identifier: BSD-2-Clause */
/* One attempt to connect one side of a connection to one address. */
#pragma once

#include "common/base/addr.h"

#include <stdbool.h>

struct connection;

/*
 * The socket becomes the side's. 1: connected; 0: the state's ready() will
 * tell; -errno: this address is no use, and nothing is open.
 */
int dial_socket_try(struct connection *connection, int side, const struct addr *addr);

/* What ready() was called for: 0: connected, else the errno that it has failed with. */
int dial_socket_result(int fd, const struct addr *addr, uint32_t events);
