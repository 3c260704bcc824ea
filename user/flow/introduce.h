/* SPDX-License-Identifier: BSD-2-Clause */
/* What a private proxy says first on a connection that it has dialled. */
#pragma once

#include "user/wire/limits.h"

#include <stdint.h>

struct connection;

/* To the public proxy: the token. -errno. */
int introduce_outside(struct connection *connection, const uint8_t token[TOKEN_BYTES]);

/* To the internal server: the client's address, where the settings ask for it. -errno. */
int introduce_inside(struct connection *connection);
