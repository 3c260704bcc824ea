/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One attempt to park connections: ask the public proxy for tokens, see that
 * the endpoint that it names is one to dial, resolve it, tell workers to dial.
 */
#pragma once

#include "user/private/lot.h"

/* For what is missing; lot->asked is above 0 until it ends. */
void reserve_begin(struct lot *lot);
