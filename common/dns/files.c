// SPDX-License-Identifier: BSD-2-Clause
#include "common/dns/files.h"

#include <string.h>

bool watched_file_changed(struct watched_file *file)
{
	const struct stat *old = &file->stat;
	struct stat now;

	if (stat(file->path, &now) < 0)
		memset(&now, 0, sizeof(now));
	bool changed = now.st_ino != old->st_ino || now.st_dev != old->st_dev ||
		       now.st_size != old->st_size || now.st_mtim.tv_sec != old->st_mtim.tv_sec ||
		       now.st_mtim.tv_nsec != old->st_mtim.tv_nsec;
	file->stat = now;
	return changed;
}
