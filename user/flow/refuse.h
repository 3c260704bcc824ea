/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * State REFUSE: tell the client by a fatal TLS alert, and wait a moment so that
 * it can read it. The ClientHello is still in the socket: a close() at once
 * would send an RST that overtakes the alert.
 */
#pragma once

#include "user/flow/state.h"

/* connection_refuse() has set the alert, and why. */
extern const struct state_ops state_refuse;
