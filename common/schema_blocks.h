/* SPDX-License-Identifier: BSD-2-Clause */
/* Blocks that occur in the settings of several programs. */
#pragma once

#include "common/schema.h"

extern const struct schema jsonrpc_server_schema;
extern const struct schema jsonrpc_client_schema;
extern const struct schema tls_server_schema;
extern const struct schema tls_client_schema;
extern const struct schema rate_limit_schema; /* one element of tcp_rate_limits */
extern const struct schema metrics_schema;    /* known, not served */
