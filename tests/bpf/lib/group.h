/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same cases on each path of the plane, and with each address family. Each
 * path is a group: a process and a bridge of its own, with nothing left at its
 * end.
 */
#pragma once

#include "tests/bpf/lib/bridge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct group_case {
	const char *name;
	CMUnitTestFunction function; /* *state is a const struct setting */
	bool one_family;             /* slow, and no address is looked at */
};

/* Of the group that runs. */
struct bridge *group_bridge(void);

/* What main() returns: 0, or 1 if a case failed. At most 16 cases. */
int groups_run(const struct group_case *cases, size_t n);
