/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where this kernel's sockmap behaves unlike that of the others, and the plane
 * has to go another way: docs/kernel.md, "Older kernels". What cannot be
 * helped is in gate.c.
 */
#pragma once

#include <stdbool.h>

struct kernel_version;

struct kernel_quirks {
	bool passes_out_of_order; /* what is passed overtakes what waits for the worker */
	bool worker_locks;        /* the socket, so that the program sees all that the worker has */
	bool stops_at_urgent;     /* at an urgent byte the program is never called again */
};

struct kernel_quirks quirks_of(const struct kernel_version *version);

/* None where its version cannot be told. */
struct kernel_quirks quirks_of_this_kernel(void);
