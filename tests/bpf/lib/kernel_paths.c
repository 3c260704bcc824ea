// SPDX-License-Identifier: BSD-2-Clause
#include "tests/bpf/lib/kernel_paths.h"

#include "user/plane/paths/table.h"
#include "user/plane/sockmap/sockmap.h"

struct paths kernel_paths(struct kernel *kernel)
{
	struct paths paths = {.table = paths_table};

	for (unsigned i = 0; paths_table[i].ops; i++)
		if (paths_table[i].ops == &sockmap_path)
			paths.shared[i] = kernel;
	return paths;
}
