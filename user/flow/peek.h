/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * State PEEK: wait for the whole ClientHello without taking it from the
 * socket, so that a half-open connection costs no buffer of ours.
 */
#pragma once

#include "common/base/addr.h"

struct worker;

/* A client has connected to the public TLS port. Takes the descriptor. */
void peek_accepted(struct worker *worker, int fd, const struct addr *client);
