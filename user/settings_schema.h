/* SPDX-License-Identifier: BSD-2-Clause */
/* The settings of `proxy`: PROXY_SETTINGS. */
#pragma once

#include "common/settings/schema.h"

extern const struct schema proxy_schema;
