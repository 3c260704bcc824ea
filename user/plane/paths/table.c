// SPDX-License-Identifier: BSD-2-Clause
#include "user/plane/paths/table.h"

#include "user/plane/copy.h"
#include "user/plane/sockmap/sockmap.h"
#include "user/plane/splice.h"

/* In the order in which the log names those that a stream has taken. */
const struct path_entry paths_table[] = {
	{PATH_BASE, &copy_path},
	{PATH_QUIET, &sockmap_path},
	{PATH_BULK, &splice_path},
	{0},
};
