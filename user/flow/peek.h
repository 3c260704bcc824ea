/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * State PEEK: wait for the whole ClientHello without taking it from the
 * socket, so that a half-open connection costs no buffer of ours.
 */
#pragma once

#include "common/base/addr.h"
#include "user/flow/state.h"

struct worker;

extern const struct state_ops state_peek;

/* A client has connected to the public TLS port. Takes the descriptor. */
void peek_accepted(struct worker *worker, int fd, const struct addr *client);
