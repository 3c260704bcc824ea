/* SPDX-License-Identifier: BSD-2-Clause */
/* incomingConnection: a public proxy has a connection for us and gives the token to fetch it. */
#pragma once

#include "user/private/service.h"

void private_incoming(struct private_service *service, struct jsonrpc_call *call);
