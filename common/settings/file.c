// SPDX-License-Identifier: BSD-2-Clause
#include "common/settings/file.h"

#include "common/base/cleanup.h"
#include "common/settings/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define READ_CHUNK 65536

int settings_explain(struct loader *loader, struct settings_place place, int r)
{
	if (r != -E2BIG)
		return r;
	settings_report_error(loader->report, place, NULL,
			      "the settings grow too large: more than %d values, or a key of over "
			      "1000 bytes",
			      SETTINGS_VALUES_MAX);
	return -EINVAL;
}

/* The whole file, at most SETTINGS_FILE_MAX bytes; -EFBIG if there is more. */
static int read_all(int fd, char **ret, size_t *ret_length)
{
	AUTO_FREE char *text = NULL;
	size_t length = 0, size = 0;

	for (;;) {
		if (length == size) {
			size += READ_CHUNK;
			char *larger = realloc(text, size);
			if (!larger)
				return -ENOMEM;
			text = larger;
		}
		ssize_t n = read(fd, text + length, size - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		length += (size_t)n;
		if (length > SETTINGS_FILE_MAX)
			return -EFBIG;
	}
	*ret = TAKE_PTR(text);
	*ret_length = length;
	return 0;
}

/* Refuse a file that is being read already, by whatever name. */
static int enter(struct loader *loader, int fd, const char *file, struct settings_place from)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	for (unsigned i = 0; i < loader->depth; i++)
		if (loader->stack[i].device == st.st_dev && loader->stack[i].inode == st.st_ino) {
			settings_report_error(loader->report, from, "$include",
					      "%s is included by itself, through %s", file,
					      loader->stack[loader->depth - 1].file);
			return -EINVAL;
		}
	if (loader->depth == SETTINGS_INCLUDE_MAX) {
		settings_report_error(loader->report, from, "$include",
				      "more than %d files inside one another",
				      SETTINGS_INCLUDE_MAX);
		return -EINVAL;
	}
	loader->stack[loader->depth].device = st.st_dev;
	loader->stack[loader->depth].inode = st.st_ino;
	loader->stack[loader->depth].file = file;
	loader->depth++;
	return 0;
}

static int resolve(struct loader *loader, int fd, const char *file, struct settings_place from,
		   json_t **ret)
{
	AUTO_FREE char *text = NULL;
	AUTO_JSON json_t *tree = NULL;
	const char *dot = strrchr(file, '.');
	size_t length = 0;

	int r = read_all(fd, &text, &length);
	if (r == -EFBIG) {
		settings_report_error(loader->report, from, NULL, "%s: larger than %d MiB", file,
				      SETTINGS_FILE_MAX >> 20);
		return -EINVAL;
	}
	if (r < 0)
		return r;
	if (dot && strcmp(dot, ".json") == 0)
		r = settings_parse_json(text, length, file, loader->lines, loader->report, &tree);
	else
		r = settings_parse_yaml(text, length, file, loader->lines, loader->report, &tree);
	if (r == 0)
		r = settings_include(loader, file, &tree);
	if (r == 0)
		r = settings_resolve_refs(loader, file, tree);
	if (r == 0)
		r = settings_resolve_vars(loader, file, tree);
	if (r == 0)
		*ret = TAKE_PTR(tree);
	return r;
}

int settings_file_load(struct loader *loader, const char *path, struct settings_place from,
		       json_t **ret)
{
	const char *file = lines_file(loader->lines, path);
	unsigned depth = loader->depth;
	int r;

	if (!file)
		return -ENOMEM;
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	r = fd < 0 ? -errno : enter(loader, fd, file, from);
	if (r == 0)
		r = resolve(loader, fd, file, from, ret);
	loader->depth = depth;
	if (r < 0 && r != -EINVAL && r != -ENOMEM) {
		settings_report_error(loader->report, from, NULL, "%s: %s", path, strerror(-r));
		return -EINVAL;
	}
	return r;
}
