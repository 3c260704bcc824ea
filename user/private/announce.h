/* SPDX-License-Identifier: BSD-2-Clause */
/* announceConnection and withdrawConnection at a private proxy. */
#pragma once

#include "user/private/service.h"

/*
 * The public proxy decides, and what it says is what the announcer reads: a
 * record is kept only once it was accepted there, and goes only once it was
 * withdrawn there.
 */
void private_announce(struct private_service *service, struct jsonrpc_call *call);
void private_withdraw(struct private_service *service, struct jsonrpc_call *call);
