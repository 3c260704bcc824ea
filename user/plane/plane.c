// SPDX-License-Identifier: BSD-2-Clause
/* The paths of the process, and those of a worker. */
#include "user/plane/path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static bool may_be_chosen(enum path_role role, enum stream_forwarding forwarding)
{
	return role != PATH_QUIET || forwarding == FORWARD_AUTO || forwarding == FORWARD_SOCKMAP;
}

static bool is_there(const struct paths *paths, unsigned i)
{
	return !paths->table[i].ops->prepare || paths->shared[i];
}

bool paths_open(struct paths *paths, const struct path_entry *table,
		enum stream_forwarding forwarding, const struct path_wants *wants,
		char why[PATH_WHY])
{
	bool quiet = false;

	*paths = (struct paths){.table = table};
	snprintf(why, PATH_WHY, "as the settings ask");
	for (unsigned i = 0; table[i].ops; i++) {
		const struct path_ops *ops = table[i].ops;

		if (!may_be_chosen(table[i].role, forwarding))
			continue;
		if (ops->prepare && ops->prepare(wants, &paths->shared[i], why) < 0)
			paths->shared[i] = NULL;
		quiet |= table[i].role == PATH_QUIET && is_there(paths, i);
	}
	return quiet;
}

void paths_close(struct paths *paths)
{
	for (unsigned i = 0; paths->table && paths->table[i].ops; i++) {
		if (paths->shared[i])
			paths->table[i].ops->dispose(paths->shared[i]);
		paths->shared[i] = NULL;
	}
}

static int open_path(struct plane *plane, const struct paths *paths, unsigned i, unsigned worker)
{
	const struct path_entry *entry = &paths->table[i];
	struct path *path = &plane->paths[plane->n_paths];

	*path = (struct path){.ops = entry->ops, .plane = plane, .index = plane->n_paths};
	plane->n_paths++;
	int r = entry->ops->open ? entry->ops->open(path, paths->shared[i], worker) : 0;
	if (r < 0)
		return r;
	if (!plane->by_role[entry->role])
		plane->by_role[entry->role] = path;
	return 0;
}

int plane_open(struct plane *plane, const struct paths *paths, unsigned worker)
{
	plane->scratch = malloc(STREAM_CHUNK);
	plane->paths = calloc(PATHS_MOST, sizeof(*plane->paths));
	if (!plane->scratch || !plane->paths)
		return -ENOMEM;
	for (unsigned i = 0; paths->table[i].ops; i++) {
		int r = is_there(paths, i) ? open_path(plane, paths, i, worker) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

void plane_close(struct plane *plane)
{
	for (unsigned i = 0; i < plane->n_paths; i++)
		if (plane->paths[i].ops->close)
			plane->paths[i].ops->close(&plane->paths[i]);
	plane->n_paths = 0;
	free(plane->paths);
	free(plane->scratch);
	plane->paths = NULL;
	plane->scratch = NULL;
}
