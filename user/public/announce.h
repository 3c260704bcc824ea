/* SPDX-License-Identifier: BSD-2-Clause */
/* announceConnections at a public proxy. */
#pragma once

#include "user/public/service.h"

void public_announce(struct public_service *service, struct jsonrpc_call *call);
