/* SPDX-License-Identifier: BSD-2-Clause */
/* The settings of `relay`, `hyper` and `eps`: RELAY_SETTINGS, HYPER_SETTINGS, EPS_SETTINGS. */
#pragma once

#include "common/settings/schema.h"

extern const struct schema relay_schema;
