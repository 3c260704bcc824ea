/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All paths of the proxy, for paths_open(). This folder stands above the paths
 * and above what uses them: nobody else knows a path by its name.
 */
#pragma once

#include "user/plane/path.h"

extern const struct path_entry paths_table[];
