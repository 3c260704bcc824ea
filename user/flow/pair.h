/* SPDX-License-Identifier: BSD-2-Clause */
/* State PAIR: both sockets are there; user/plane moves the bytes and tells when it is over. */
#pragma once

#include "user/flow/state.h"

/* Both descriptors are in the stream's ends. */
extern const struct state_ops state_pair;
