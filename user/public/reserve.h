/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reserveConnections at a public proxy: tokens with which a private proxy
 * dials ahead. The workers know a token before the private proxy does.
 */
#pragma once

#include "user/public/service.h"

void public_reserve(struct public_service *service, struct jsonrpc_call *call);
