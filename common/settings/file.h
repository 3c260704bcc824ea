/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One settings file, complete in itself: read, its $include put in, its $ref
 * resolved, its variables replaced. In that order, as in the originals.
 */
#pragma once

#include "common/settings/report.h"

#include <sys/types.h>

#define SETTINGS_FILE_MAX    (4 << 20) /* bytes */
#define SETTINGS_INCLUDE_MAX 16        /* files inside one another */

/* What all files of one loading share, and the files that are open now. */
struct loader {
	struct lines *lines;
	struct settings_report *report;
	struct {
		dev_t device;
		ino_t inode;
		const char *file;
	} stack[SETTINGS_INCLUDE_MAX];
	unsigned depth;
};

/*
 * `path` is absolute. `from` is the place of the $include, or the variable
 * that named the file. 0, -EINVAL with an error in the report, -ENOMEM.
 */
int settings_file_load(struct loader *loader, const char *path, struct settings_place from,
		       json_t **ret);

/* Its three steps, each on the tree of the file `path`. */

/* Replace every {"$include": …}; *tree may be replaced as a whole. */
int settings_include(struct loader *loader, const char *path, json_t **tree);
/* Replace every {"$ref": "a.b.0"} by a copy of that value. */
int settings_resolve_refs(struct loader *loader, const char *file, json_t *tree);
/* Take `vars` out of the tree and put the variables' values in. */
int settings_resolve_vars(struct loader *loader, const char *path, json_t *tree);

/* The error for a loading that has become too large; passes other results on. */
int settings_explain(struct loader *loader, struct settings_place place, int r);

/* Ask the person at the terminal for a line. -ENOTTY, -ENODATA, -ENOMEM. */
int settings_prompt(const char *name, int sensitive, char **ret);
