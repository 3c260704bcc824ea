/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a file has changed since it was looked at last. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct watched_file {
	const char *path;
	struct stat stat; /* all zero: it is missing */
};

/* Takes the state that it finds; true if it is another one than before. */
bool watched_file_changed(struct watched_file *file);
