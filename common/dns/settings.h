/* SPDX-License-Identifier: BSD-2-Clause */
/* The block `dns` of the settings. */
#pragma once

#include "common/dns/resolver.h"
#include "common/settings/schema.h"

extern const struct schema dns_schema;

/* Of a checked tree whose key `dns` is such a block. */
struct resolver_settings dns_settings(const json_t *tree);
