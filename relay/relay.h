/* SPDX-License-Identifier: BSD-2-Clause */
/* The relay as a whole: broker, directory, channels, signals. */
#pragma once

#include "relay/bus/broker.h"

/*
 * Run with checked settings until SIGINT or SIGTERM. 0, or a negative errno
 * after an error that has been logged.
 */
int relay_run(const json_t *settings, enum dialect dialect);
