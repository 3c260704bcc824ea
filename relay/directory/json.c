// SPDX-License-Identifier: BSD-2-Clause
/* The directory of type json: a file, or a folder of files. */
#include "common/base/cleanup.h"
#include "common/base/error.h"
#include "relay/directory/private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Thousands of operators fit; a device or a log named by mistake does not. */
#define FILE_SIZE_MAX (64L << 20)

static int read_all(int fd, char *buffer, size_t size, size_t *ret_length)
{
	size_t length = 0;

	while (length < size) {
		ssize_t n = read(fd, buffer + length, size - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		length += (size_t)n;
	}
	*ret_length = length;
	return 0;
}

static int add_file(struct directory *directory, const char *path, char **ret_error)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	AUTO_FREE char *text = NULL;
	size_t length = 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(ret_error, -errno, "directory: cannot read %s: %s", path,
				 strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(ret_error, -EINVAL, "directory: %s is not a regular file", path);
	if (st.st_size > FILE_SIZE_MAX)
		return error_set(ret_error, -EFBIG, "directory: %s is larger than %ld bytes", path,
				 FILE_SIZE_MAX);
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return error_set(ret_error, -ENOMEM, "directory: no memory for %s", path);
	int r = read_all(fd, text, (size_t)st.st_size, &length);
	if (r < 0)
		return error_set(ret_error, r, "directory: cannot read %s: %s", path, strerror(-r));
	return directory_add_records(directory, path, text, length, ret_error);
}

static int is_json(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 5 &&
	       strcmp(entry->d_name + length - 5, ".json") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_folder(struct directory *directory, const char *path, char **ret_error)
{
	struct dirent **names = NULL;
	int r = 0, n = scandir(path, &names, is_json, by_name);

	if (n < 0)
		return error_set(ret_error, -errno, "directory: cannot read folder %s: %s", path,
				 strerror(errno));
	if (n == 0)
		r = error_set(ret_error, -ENOENT, "directory: folder %s holds no file *.json",
			      path);
	for (int i = 0; i < n && r == 0; i++) {
		AUTO_FREE char *file = NULL;
		if (asprintf(&file, "%s/%s", path, names[i]->d_name) < 0) {
			file = NULL;
			r = -ENOMEM;
		} else {
			r = add_file(directory, file, ret_error);
		}
	}
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return r;
}

static void cleanup_directory(struct directory **directory)
{
	directory_free(*directory);
}

int directory_load(const char *path, struct directory **ret, char **ret_error)
{
	CLEANUP(cleanup_directory) struct directory *directory = directory_new();
	struct stat st;
	int r;

	if (!directory)
		return error_set(ret_error, -ENOMEM, "directory: no memory");
	if (stat(path, &st) < 0)
		return error_set(ret_error, -errno, "directory: cannot read %s: %s", path,
				 strerror(errno));
	r = S_ISDIR(st.st_mode) ? add_folder(directory, path, ret_error)
				: add_file(directory, path, ret_error);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(directory);
	return 0;
}
