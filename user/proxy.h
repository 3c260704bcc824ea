/* SPDX-License-Identifier: BSD-2-Clause */
/* A proxy from its settings to its end. */
#pragma once

#include "user/store/role.h"

#include <jansson.h>

/* Runs until it is told to stop. 0, or -errno after the reason has been logged. */
int proxy_run(const json_t *settings, enum proxy_role role);
