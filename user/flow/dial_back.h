/* SPDX-License-Identifier: BSD-2-Clause */
/* The internal listener of the public proxy: private proxies dial back and show their token. */
#pragma once

#include "common/base/addr.h"

struct worker;

/* Somebody has connected to the internal port. Takes the descriptor. */
void dial_back_accepted(struct worker *worker, int fd, const struct addr *peer);
void dial_back_close_all(struct worker *worker);
/* Free those that ended in this turn. */
void dial_back_bury(struct worker *worker);
