/* SPDX-License-Identifier: BSD-2-Clause */
/* State CLOSED: descriptors closed, counted, one line in the log; freed when the turn is over. */
#pragma once

#include "user/flow/state.h"

extern const struct state_ops state_closed;
