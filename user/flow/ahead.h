/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * State AHEAD, of the private proxy: connected to the public proxy, its token
 * shown, waiting to be taken for a client. The stream then begins with a
 * PROXY header, which tells the client's address and the server name.
 */
#pragma once

#include "user/flow/state.h"

extern const struct state_ops state_ahead;
