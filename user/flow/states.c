// SPDX-License-Identifier: BSD-2-Clause
/* All states. Whoever adds one adds its line here, and its name in state.h. */
#include "user/flow/ahead.h"
#include "user/flow/closed.h"
#include "user/flow/dial.h"
#include "user/flow/pair.h"
#include "user/flow/peek.h"
#include "user/flow/refuse.h"
#include "user/flow/rendezvous.h"
#include "user/flow/state.h"

static const struct state_ops state_new = {
	.name = "new",
	.next = TO(CONNECTION_PEEK) | TO(CONNECTION_DIAL),
};

const struct state_ops *const state_table[CONNECTION_STATES] = {
	[CONNECTION_NEW] = &state_new,
	[CONNECTION_PEEK] = &state_peek,
	[CONNECTION_RENDEZVOUS] = &state_rendezvous,
	[CONNECTION_DIAL] = &state_dial,
	[CONNECTION_AHEAD] = &state_ahead,
	[CONNECTION_PAIR] = &state_pair,
	[CONNECTION_REFUSE] = &state_refuse,
	[CONNECTION_CLOSED] = &state_closed,
};
