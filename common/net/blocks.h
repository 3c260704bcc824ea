/* SPDX-License-Identifier: BSD-2-Clause */
/* Blocks that occur in the settings of several programs. */
#pragma once

#include "common/settings/schema.h"

extern const struct schema jsonrpc_server_schema;
extern const struct schema jsonrpc_client_schema;
extern const struct schema tls_server_schema;
extern const struct schema tls_client_schema;
extern const struct schema rate_limit_schema; /* one element of tcp_rate_limits */
extern const struct schema metrics_schema;    /* known, not served */

/* A key of `limits`, bytes: for log_queue_start(). */
#define SCHEMA_LOG_BACKLOG                                                                    \
	SCHEMA_KEY("log_backlog", SIZE, .fallback = "1MiB", .min = 8192, .max = 1LL << 30,    \
		   .doc = "log lines that wait to be written, for longer than a moment only " \
			  "while nobody reads standard error; those beyond "                  \
			  "are counted, and one line tells how many they were")
