/* SPDX-License-Identifier: BSD-2-Clause */
/* The proxy's paths with a kernel that a test has opened by itself, past the gate. */
#pragma once

#include "user/plane/path.h"

struct kernel;

/* `kernel` NULL: without the sockmap. Stays the caller's. */
struct paths kernel_paths(struct kernel *kernel);
